"""`python -m nerve.service.openapi FILE`: write the OpenAPI document, which a service answers at `/openapi.json`.

service/openapi.json is written this way, and a test compares it with the code.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nerve import streams
from nerve.service.api.description import openapi
from nerve.service.api.routes import API


def document() -> str:
    """Return the document as text that is easy to compare. It depends on neither settings nor models."""
    return json.dumps(openapi(API), ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the document and return the exit status."""
    if len(arguments) != 1:
        print("usage: python -m nerve.service.openapi FILE", file=sys.stderr)
        return 2
    try:
        Path(arguments[0]).write_text(document(), encoding="utf-8")
    except OSError as error:
        print(f"{arguments[0]} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(streams.run("nerve.service.openapi", lambda: main(sys.argv[1:])))
