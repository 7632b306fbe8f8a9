"""`python tests/support/failing_service.py ARGUMENTS`: the service, with a model that fails as a text asks for.

The errors quote the text, as those of libraries do: a service that repeats an error's message repeats the text.
"""

import os
import resource
import signal
import sys
from collections.abc import Sequence

from nerve.model.annotation import Entity
from nerve.model.recognizer import Recognizer, Tagging, Window
from nerve.service.__main__ import main

TAGGING, ANSWERING, ENDING, CRASHING = "Taggingfails", "Answeringfails", "Endsall", "Crashes"


def words(windows: Sequence[Window]) -> list[str]:
    return [token.text for window in windows for token in window.tokens]


def failing_tag(recognizer: Recognizer, windows: Sequence[Window]) -> list[Tagging]:
    said = words(windows)
    if TAGGING in said:
        raise ValueError(f"could not tag {said}") from KeyError(*said)
    if ENDING in said:
        raise SystemExit(f"could not go on with {said}")
    if CRASHING in said:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump has all that is in memory
        os.kill(os.getpid(), signal.SIGABRT)
    return tag(recognizer, windows)


def failing_entities(
    recognizer: Recognizer, text: str, windows: Sequence[Window], taggings: Sequence[Tagging]
) -> list[Entity]:
    if ANSWERING in text:
        raise RuntimeError(f"could not answer {text}")
    return entities(recognizer, text, windows, taggings)


tag, entities = Recognizer.tag, Recognizer.entities

if __name__ == "__main__":
    Recognizer.tag, Recognizer.entities = failing_tag, failing_entities
    sys.exit(main(sys.argv[1:]))
