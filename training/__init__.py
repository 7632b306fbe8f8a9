"""Training: from corpora to an archive, by way of `data`, `learn` and `measure`. `nerve train` runs it.

`suggest` chooses the texts to annotate next.

It imports `nerve.model`. The service never imports it.
"""
