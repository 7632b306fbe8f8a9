"""The wire contracts: a file for each, with its requests, its answers and its routes.

Only `app` imports it.
"""
