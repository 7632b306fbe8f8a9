"""How the bundled models were made from public sources: a folder for each model, and the programs that make vectors.

It imports `nerve.training`. Nothing imports it, and no wheel holds it.
"""
