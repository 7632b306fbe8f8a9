"""The process: sockets, signals, workers, and uvicorn around the application.

It stands on top of the application; only `__main__` imports it.
"""
