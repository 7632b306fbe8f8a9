"""What an entity is, and how text becomes tags. No HTTP, no corpora; it imports no other folder, and all import it.

A trained tagger has two forms. The archive holds one of them, the `Tagger` as a TorchScript program. When an archive
is loaded, today's classes build the other from its weights, the faster `FastTagger`, arranged for a CPU or for a GPU,
of which nothing is saved. tests/model/test_fast_tagger.py shows that both give the same answers;
docs/decisions/torchscript.md says why the archive does not hold both.

Letters of shapes in every file: B batch, L length in tokens, U distinct words of a batch,
C characters of a word, F categorical features of a word, E embedding, H hidden, T tags.
"""

import warnings

# torch warns when numpy is not installed. Serving does not need it and does not install it.
warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
