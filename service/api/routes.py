"""All routes of the service, in the order in which they are described and tried."""

from functools import cache

from nerve.service.api import (
    anonymizer,
    huggingface,
    label_studio,
    native,
    open_inference,
    operations,
    presidio,
    redact,
    stream,
)
from nerve.service.api.documentation import documentation_routes
from nerve.service.api.pages import page_routes
from nerve.service.api.route import Route

API: tuple[Route, ...] = (
    *native.ROUTES,
    *redact.ROUTES,
    *stream.ROUTES,
    *operations.ROUTES,
    *huggingface.ROUTES,
    *presidio.ROUTES,
    *anonymizer.ROUTES,
    *open_inference.ROUTES,
    *label_studio.ROUTES,
)


@cache  # the schemas of the document take 0.2 s, and the tests make hundreds of apps
def all_routes() -> tuple[Route, ...]:
    """Return the routes of the API, of its documentation and of the page."""
    return (*API, *documentation_routes(API), *page_routes())
