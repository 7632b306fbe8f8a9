"""How fast taggers learn and tag, measured side by side.

The speed of a shared machine varies. So CPU time of this process is measured, not the clock; the taggers take turns;
and the fastest turn of each counts, which other processes disturbed least. On one thread of an idle machine CPU time
and clock agree.
"""

import time
from collections.abc import Mapping, Sequence

from nerve.model.archive import Archive
from nerve.training.data.batches import TrainingBatch
from nerve.training.learn.trainer import Trainer


def measure(
    contestants: Mapping[str, tuple[Trainer, Archive]],
    batches: Sequence[TrainingBatch],
    sentences: Sequence[Sequence[str]],
    turns: int = 5,
) -> dict[str, dict[str, int]]:
    """Tokens per CPU second of each contestant, `training` on the batches and `tagging` the sentences.

    Args:
        contestants: A trainer and an archive by name.
        batches: What every trainer learns from, once a turn.
        sentences: What every archive tags, once a turn.
        turns: Turns that count; one more before them warms up.
    """
    learned, tagged = sum(int(batch.inputs.lengths.sum()) for batch in batches), sum(map(len, sentences))
    fastest = {name: {"training": 0, "tagging": 0} for name in contestants}
    for turn in range(turns + 1):
        for name, (trainer, archive) in contestants.items():
            begun = time.process_time()
            for batch in batches:
                trainer.step(batch)
            middle = time.process_time()
            archive.tags(sentences)
            end = time.process_time()
            if turn:
                speeds = {"training": round(learned / (middle - begun)), "tagging": round(tagged / (end - middle))}
                fastest[name] = {what: max(speed, fastest[name][what]) for what, speed in speeds.items()}
    return fastest
