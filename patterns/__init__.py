"""Patterns: addresses and numbers that are known by how they are written and by their checksums; no model is asked.

The service, `nerve.load` and `nerve tag` find them beside the names that a model has learned, if they are asked to.
`recognition` has the two functions; importing this takes none of the libraries that they need.
"""

NAMES = ("URL", "EMAIL", "IBAN", "CARD", "IP", "PHONE")
"""The patterns, each the label of its entities. Where two overlap, the one that is named first here stands."""

REGIONS = ("US", "GB")
"""Whose telephone numbers are found without a country code, by ISO 3166, unless others are asked for."""
