"""What every request passes, whatever it asks: limits, request id, API keys, a client that disconnects.

It knows no contract and no model. `app` and `api` import it.
"""
