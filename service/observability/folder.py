"""The environment variable with the folder in which several processes keep their metrics.

prometheus_client reads it when it is imported, so it is set before that.
"""

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
