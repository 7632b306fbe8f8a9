"""Tagging of whole corpora: which files, which records in them, a folder of parts. `nerve tag` is its front end.

It imports `nerve` and `nerve.model` only, and the command line imports it.
"""
