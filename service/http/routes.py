"""What the middlewares have to know of a route, and a table to find it by a request's method and path.

The routes themselves are declared in `nerve.service.api`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from starlette.routing import compile_path
from starlette.types import Scope


@dataclass(frozen=True)
class RouteProperties:
    """A route as the middlewares, the log and the metrics see it.

    Attributes:
        method: `GET`, which includes `HEAD`, or `POST`.
        path: The path, with the names of its parameters in braces.
        needs_key: Whether a request needs an API key, if the service has any.
        quiet: Whether requests are logged at the level debug only, because monitors send them all the time.
        plain_errors: Whether errors are `{"error": "message"}`, as in the contracts that are not our own.
        streams: Whether the body may have any length, because the route reads it piece by piece.
        admission: Whether a request needs a place in the queue of the engine, and is refused when there is none.
    """

    method: str
    path: str
    needs_key: bool = True
    quiet: bool = False
    plain_errors: bool = False
    streams: bool = False
    admission: bool = False


OTHER = "other"


class RouteTable:
    """Finds the properties of the route that a request is for, also where no route will answer it."""

    def __init__(self, routes: Iterable[RouteProperties], plain_below: str) -> None:
        """Make a table.

        Args:
            routes: All routes of the application.
            plain_below: A prefix; unknown paths that begin with it have plain errors.
        """
        self._routes = list(routes)
        self._exact = {(route.method, route.path): route for route in self._routes if "{" not in route.path}
        self._patterns = [(compile_path(route.path)[0], route) for route in self._routes]
        self._plain_below = plain_below

    def of(self, scope: Scope) -> RouteProperties:
        """Return the properties of the route for a request.

        Where the path has routes for other methods only, they are those of one of them. An unknown path is called
        `other`, so that clients cannot make names in the metrics. Neither needs a key: that there is no such route
        is what the description says to everybody, and a client with a wrong path should not look for a key.
        """
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return self._exact.get((method, scope["path"])) or self._search(method, scope["path"])

    def methods(self, path: str) -> list[str]:
        """Return the methods that a path answers; the path `*` stands for the whole service (RFC 9110, 9.3.7)."""
        methods = {route.method for pattern, route in self._patterns if path == "*" or pattern.match(path)}
        return sorted(methods | ({"HEAD"} if "GET" in methods else set()) | ({"OPTIONS"} if methods else set()))

    def _search(self, method: str, path: str) -> RouteProperties:
        matching = [route for pattern, route in self._patterns if pattern.match(path)]
        for route in matching:
            if route.method == method:
                return route
        if matching:
            return replace(matching[0], needs_key=False, admission=False)
        return RouteProperties(method, OTHER, needs_key=False, plain_errors=path.startswith(self._plain_below))
