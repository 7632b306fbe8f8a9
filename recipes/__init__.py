"""How the bundled models and their word vectors were made, from public sources. A folder for each model.

It imports `nerve.training`; nobody imports it, and no wheel holds it.
"""
