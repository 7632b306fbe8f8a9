"""`python -m nerve.service.openapi FILE`: write the description of the HTTP API, which a service
answers at `/openapi.json`.

service/openapi.json is written this way, and a test compares it with the code.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from nerve.service.app import create_app
from nerve.service.engine.engine import Engine
from nerve.service.engine.registry import Recognizer, ServedModel
from nerve.service.settings import Settings


def openapi() -> str:
    """The document, as text that a diff can be read of. It does not depend on settings or models."""
    # The application needs a model to be made, and nobody asks this one.
    nobody = ServedModel("none", cast(Recognizer, None), {})
    document = create_app(Settings(), [nobody], Engine()).openapi()
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m nerve.service.openapi FILE", file=sys.stderr)
        return 2
    try:
        Path(arguments[0]).write_text(openapi(), encoding="utf-8")
    except OSError as error:
        print(f"{arguments[0]} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
