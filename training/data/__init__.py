"""Data: files in many formats and public datasets become corpora, and corpora become batches.

`learn`, `measure` and the programs import it.
"""
