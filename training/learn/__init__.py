"""The learning itself: where the weights begin, one step after another, and the state between two epochs.

The commands import it; it imports `data`.
"""
