"""How good a tagger is: scores, raw text, calibration, and the report of it all.

The commands import it; it imports `data`.
"""
