"""Learning: initial weights, optimisation steps, and the checkpoint after each epoch.

It imports `data`. `measure` takes the learning curve's type from it; the programs import it.
"""
