"""From corpora to an archive: data -> learn -> measure. `python -m nerve.training.train` starts it.

It imports `nerve.model`, and the service never imports it.
"""
