"""Measuring: scores, scores on raw text, calibration, and the model card with its pictures.

It imports `data` and, for the learning curve, `learn`. The programs import it.
"""
