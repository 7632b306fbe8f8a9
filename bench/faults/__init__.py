"""Commands that bring about a fault, or look for one, and print what the service did.

docs/reliability.md has the figures.

Each is bounded in time and in requests, and talks to nothing but a service of its own on the loopback interface.
"""
