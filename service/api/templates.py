"""The template of the route that a path belongs to, as in `/v1/models/{name}:reload`: one word for many paths.

For the metrics and the log, which must not have a word of the client's own.
"""

from fastapi import FastAPI
from starlette.routing import compile_path
from starlette.types import Scope

OTHER = "other"


class Templates:
    """Those of `app`, which has all its routes."""

    def __init__(self, app: FastAPI) -> None:
        paths: list[str] = [*app.openapi()["paths"], str(app.openapi_url)]
        self._plain = frozenset(path for path in paths if "{" not in path)
        self._patterns = [(compile_path(path)[0], path) for path in paths if "{" in path]

    def template(self, scope: Scope) -> str:
        """The template for a request, whether or not it came as far as its route; `other` for an unknown path."""
        path: str = scope["path"]
        if path in self._plain:
            return path
        for pattern, template in self._patterns:
            if pattern.match(path):
                return template
        # The pages are in no list, but have a route.
        return scope["route"].path if "route" in scope else OTHER
