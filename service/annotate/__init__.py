"""Text work without HTTP: texts become annotations, and annotations become what a request asked for.

`api` imports it. It imports `engine`, `observability` and `model`.
"""
