"""The wire contracts: a file for each, with its requests, its answers and its routes; `routes.py` lists all routes.

`app` imports it, and `server` to see which routes need admission. It imports every room below: `annotate`, `engine`,
`http`, `observability`.
"""
