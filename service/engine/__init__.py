"""The models and the one thread in which they run: the registry, the queue, the batches.

`annotate` and `api` import it; it imports `nerve.model` and nothing of HTTP.
"""
