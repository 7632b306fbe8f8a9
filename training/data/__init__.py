"""Corpora: files in many formats and public datasets become sentences, and sentences become batches.

`learn`, `measure` and the commands import it.
"""
