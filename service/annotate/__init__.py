"""Text work without HTTP: texts become annotations, and annotations become what a request asked for.

`api` imports it; it imports `engine`.
"""
