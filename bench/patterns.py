"""What patterns cost beside the tagging: CPU seconds in this process, for a long text, for sentences, for the worst.

    python -m bench.patterns

The texts are those of bench/today.jsonl, repeated; the worst are short strings that are nothing else but candidates.
"""

import json
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import nerve
from nerve.patterns.recognition import find

TODAY = Path(__file__).parent / "today.jsonl"
CHARACTERS = 1_000_000
SENTENCES = 2_000
WORST = ("12 34 ", "1-", "AB12 CD34 ", "0201234567, ", "+4930123456\n", "1.2.3.4 ", "a@b.co ", "http://a.b/c ")
WORST_CHARACTERS = 100_000


def main() -> None:
    """Measure, and print a line for each text."""
    tagger = nerve.load("en", device="cpu")
    texts = [json.loads(line)["text"] for line in TODAY.read_text(encoding="utf-8").splitlines()]
    sentences = list(islice(cycle(texts), SENTENCES))
    long_text = (" ".join(texts) + "\n") * (CHARACTERS // sum(map(len, texts)) + 1)
    for text in texts:  # the imports, and the words that a tagger has met
        tagger(text, patterns=True)
    compare("a text of 1 MB", lambda: find(long_text[:CHARACTERS]), lambda: tagger(long_text[:CHARACTERS]))
    compare(f"{SENTENCES:,} sentences", lambda: [*map(find, sentences)], lambda: [*tagger.pipe(sentences)])
    for unit in WORST:
        found = seconds(lambda unit=unit: find(unit * (WORST_CHARACTERS // len(unit))))  # type: ignore[misc]
        print(f"{unit!r} repeated: {found * 1e6 / WORST_CHARACTERS:.1f} µs a character")


def compare(name: str, patterns: Callable[[], object], tagging: Callable[[], object]) -> None:
    """Print what both take, and the ratio."""
    found, tagged = seconds(patterns), seconds(tagging)
    print(f"{name}: patterns {found:.3f} s, tagging {tagged:.3f} s: {found / tagged:.1%} more")


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
