"""What is the same for every request: its id, limits, API keys, the shape of errors, a client that disconnects.

It knows no contract and no model. `server`, `app`, `state` and `api` import it.
"""
