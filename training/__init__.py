"""Training: from corpora to an archive, by way of `data`, `learn` and `measure`. `nerve train` runs it.

It imports `nerve.model`. The service never imports it.
"""
