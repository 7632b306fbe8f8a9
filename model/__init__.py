"""What an entity is, and how text becomes tags. No HTTP, no corpora.

Shapes, in every file of this package: B batch, L length in tokens, U distinct words of a batch,
C characters of a word, F categorical features of a word, E embedding, H hidden, T tags.
"""

import warnings

# torch says so at its import wherever numpy is not installed. Serving needs none, and installs none.
warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
