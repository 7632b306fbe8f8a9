"""`GET /`: the page in `service/page/`, and the files that it is made of.

The files are read once, when the application is made, so that no request touches the disk. The page loads nothing
from other servers, and its policy makes the browser enforce that.
"""

import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nerve.service.api.route import Route
from nerve.service.state import Service

FOLDER = Path(__file__).resolve().parents[1] / "page"
INDEX = "index.html"
# Not from `mimetypes`, which may have any type for .js, as the system is configured.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No script may turn a string into markup, ours neither.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


# Of every page and file.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page_routes() -> list[Route]:
    """Return the routes of the index, `/`, and of every other file, `/page/{name}`; read all files."""
    files = {path.name: _File(path) for path in FOLDER.iterdir() if path.suffix in TYPES}
    index = files.pop(INDEX)

    async def page(_: Service, request: Request) -> Response:
        return index.response(request)

    async def page_file(_: Service, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            raise HTTPException(404)
        return files[name].response(request)

    return [
        Route("GET", "/", endpoint=page, needs_key=False),
        Route("GET", "/page/{name}", endpoint=page_file, needs_key=False),
    ]


class _File:
    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()
        self._tag = f'"{hashlib.sha256(self._content).hexdigest()[:16]}"'
        self._headers = {
            "Content-Type": TYPES[path.suffix],
            # Weak, because the file is sent plain to some and gzipped to others.
            "ETag": f"W/{self._tag}",
            # The browser keeps the files, but asks each time whether they have changed: they change together.
            "Cache-Control": "no-cache",
            **HEADERS,
        }

    def response(self, request: Request) -> Response:
        if self._tag in _tags(request):
            return Response(status_code=304, headers=self._headers)
        return Response(self._content, headers=self._headers)


def _tags(request: Request) -> list[str]:
    """Return the entity tags that the client has; a proxy that compresses may have weakened them."""
    return [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
