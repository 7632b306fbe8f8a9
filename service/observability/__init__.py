"""What is known of each request, and the log lines and metrics that are made of it. Never a text.

Every other room may import it.
"""
