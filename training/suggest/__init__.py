"""Which texts to annotate next: how uncertain a tagger is of them, the choice, and the tasks for an annotation tool.

`nerve suggest` (cli/suggest.py) calls it.
"""
