"""The command line `nerve`: what the other packages can do, as programs of a shell. Nobody imports it."""
