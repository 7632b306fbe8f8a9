"""`GET /`: the page in `service/page/`, and the files that it is made of.

They are read once, when the application is made, so that no request touches the disk. The page loads nothing from
elsewhere, and its policy has the browser see to that.
"""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).resolve().parents[1] / "page"
INDEX = "index.html"
# Not the `mimetypes` of the system, which may say anything of .js.
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
        # No script may turn a string into markup, ours included.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


def page_routes() -> APIRouter:
    """The index at `/`, every other file at `/page/{name}`."""
    files = {path.name: _File(path) for path in FOLDER.iterdir() if path.suffix in TYPES}
    index = files.pop(INDEX)
    router = APIRouter()

    @router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        return index.answer(request)

    @router.api_route("/page/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def file(name: str, request: Request) -> Response:
        if name not in files:
            raise HTTPException(404)
        return files[name].answer(request)

    return router


class _File:
    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()
        self._tag = f'"{hashlib.sha256(self._content).hexdigest()[:16]}"'
        self._headers = {
            "Content-Type": TYPES[path.suffix],
            "ETag": self._tag,
            # Kept, but asked for each time whether it still holds: its files change together, with the service.
            "Cache-Control": "no-cache",
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def answer(self, request: Request) -> Response:
        if self._tag in _tags(request):
            return Response(status_code=304, headers=self._headers)
        return Response(self._content, headers=self._headers)


def _tags(request: Request) -> list[str]:
    """The entity tags of what the client has; a proxy that compresses may have weakened them."""
    return [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
