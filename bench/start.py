"""Where the time from exec to ready goes, in seconds, as a line of JSON. Run by bench.http.

python -m bench.start models/en.pt
"""

import json
import sys
import time
from pathlib import Path


def main(path: Path) -> dict[str, float]:
    """The steps of `python -m nerve.service` one by one, in this process."""
    seconds: dict[str, float] = {}
    begun = time.perf_counter()

    def done(step: str) -> None:
        nonlocal begun
        now = time.perf_counter()
        seconds[step] = now - begun
        begun = now

    # The imports are what is measured.
    import torch  # noqa: F401

    done("import torch")
    import nerve.service.server.process  # noqa: F401
    from nerve.service.app import create_app

    done("import FastAPI and the service")
    from nerve.model import archive
    from nerve.model.recognizer import Recognizer
    from nerve.service.engine.engine import Engine
    from nerve.service.engine.registry import ServedModel
    from nerve.service.settings import Settings

    loaded = archive.load(path, "cpu")
    recognizer = Recognizer(loaded)
    done("load")
    engine = Engine()
    engine.warm_up(recognizer, loaded.self_check)
    done("warm up")
    create_app(Settings(models=(path,)), [ServedModel(loaded.name, recognizer, loaded.card)], engine)
    done("application")
    engine.close()
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
