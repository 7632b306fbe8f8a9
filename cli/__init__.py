"""The command line `nerve`: a program for each command.

It may import every other package. No other package imports it.
"""
