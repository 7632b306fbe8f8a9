"""Failures in the log: what failed, and where, without the messages of errors, which may quote a text."""

import logging

from nerve.service.observability.logs import frames

log = logging.getLogger(__name__)


def log_failure(error: BaseException, what: str) -> None:
    """Log that `what` failed, with the types and frames of `error` and its causes."""
    log.error("%s failed: %s", what, frames(error))
