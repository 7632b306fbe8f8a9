"""A run: tags the parts that are not there yet, in this process or in several.

Processes are spawned, because a forked torch may hang. Each takes the next part that is free, so a slow one holds up
nobody. When one is killed, the run ends, and the same command goes on where it ended.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from nerve import ArchiveError
from nerve.bulk import columns, manifest, parquet, parts, storage
from nerve.bulk.columns import Columns
from nerve.bulk.errors import BulkError
from nerve.bulk.inputs import Input, Slice
from nerve.bulk.models import Models
from nerve.bulk.output import Output
from nerve.bulk.parts import Part, Report
from nerve.bulk.settings import Settings

_REPORT_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """The parts of a run, or of its shard, and where their files are."""

    output: Output
    settings: Settings
    columns: Columns | None
    """those of Parquet; None for other formats"""
    parts: Sequence[Part]
    manifest: dict[str, Any]
    """what the parts are made from"""

    def missing(self) -> list[Part]:
        """The parts whose files are not there yet, and are to be made."""
        if self.output.is_whole():
            return []
        names = self.output.folder.names()
        return [part for part in self.parts if part.name(self.settings.suffix) not in names]

    def write(self, part: Part, models: Models, report: Report) -> None:
        """Tag a part and write its files; see `parts.write`.

        The folder becomes this run's with its first part, so a run that ends before it is in nobody's way.
        """
        self.output.folder.make()
        with self.output.folder.replacing(part.name(self.settings.suffix)) as file:
            errors = parts.write(part, file, self.settings, self.columns, models, report)
            self.output.claim(self.manifest)
            if errors:
                # First, so that a part that is there has its errors, too.
                with self.output.folder.replacing(part.errors_name) as listed:
                    listed.write("".join(f"{one}\n" for one in errors).encode())

    def finish(self) -> None:
        """Join the parts if they are for one file. All of them have to be there. Raises BulkError."""
        self.output.finish(self.parts, self.settings.suffix, self.columns, self.manifest)

    def errors(self) -> int:
        """How many records of all parts could not be read. Raises BulkError."""
        return self.output.errors(self.parts)


def prepare(
    files: Sequence[Input], output: Output, settings: Settings, part_bytes: int, shard: tuple[int, int] = (1, 1)
) -> Run:
    """Cut the inputs into parts, and look whether the output can take them.

    Args:
        files: the inputs.
        output: what is written.
        settings: what is done to each record.
        part_bytes: bytes of input in a part.
        shard: (i, n) is every n-th part from the i-th on, counted from 1. A file takes all.

    Raises:
        ArchiveError: there is no such model.
        BulkError: the output holds another run, or cannot be written.
    """
    table = _columns(files, settings) if settings.to == "parquet" else None
    described = manifest.describe(files, settings, part_bytes, table)
    output.check(described)
    index, count = shard
    return Run(output, settings, table, parts.cut(files, part_bytes, settings.unit)[index - 1 :: count], described)


def _columns(files: Sequence[Input], settings: Settings) -> Columns:
    """The columns of the output, from the first file or the first records. Raises BulkError if others differ."""
    first = files[0]
    for other in files:
        if other.form != first.form:
            fact = f"{first.name} is read as {first.form} and {other.name} as {other.form}"
            raise BulkError(f"{fact}; Parquet takes one format at a time")
    if first.form != "parquet":
        given = parts.read_all(map(Slice, files), settings, lambda _: None)
        return columns.of_first(islice(given, columns.FIRST_RECORDS), settings.ents_field)
    table = columns.of_schema(parquet.schema(first.name), settings.ents_field)
    for file in files:
        if not storage.is_url(file.name):  # of many URLs it would take minutes, and each is looked at when it is read
            parquet.check(file.name, settings.text_field, table)
    return table


def tag(run: Run, jobs: int, report: Report) -> None:
    """Tag all parts that are missing.

    Args:
        run: what `prepare` returned.
        jobs: processes, at most; with 1 this process does the work.
        report: is told of progress.

    Raises:
        ArchiveError: the model cannot be loaded.
        BulkError: an input cannot be read, a part cannot be written, a process was killed, or, if the settings are
            strict, a record is bad. Parts that other processes have begun are finished first, unless one was killed.
    """
    todo = run.missing()
    if min(jobs, len(todo)) > 1:
        _in_processes(run, todo, min(jobs, len(todo)), report)
    elif todo:
        models = Models(run.settings)
        for part in todo:
            run.write(part, models, report)


class _Shared:
    """What the processes of a run share: the number of the next part, and three counts of progress of each process.

    A process changes its own counts only, so they need no lock, which a process that is killed could keep.
    """

    def __init__(self, context: Any, jobs: int) -> None:
        self._next = context.Value("q", 0)
        self._counts = context.RawArray("q", 3 * jobs)

    def take(self, todo: Sequence[Part]) -> Iterator[Part]:
        """The parts for one process, as long as there are any."""
        while True:
            with self._next:
                number = self._next.value
                self._next.value += 1
            if number >= len(todo):
                return
            yield todo[number]

    def stop(self, todo: Sequence[Part]) -> None:
        """Let no process begin another part."""
        with self._next:
            self._next.value = len(todo)

    def add(self, job: int, counts: Sequence[int]) -> None:
        """Add to the counts of a process."""
        for position, count in enumerate(counts):
            self._counts[3 * job + position] += count

    def totals(self) -> list[int]:
        """The counts of all processes together."""
        return [sum(self._counts[position::3]) for position in range(3)]


def _in_processes(run: Run, todo: Sequence[Part], jobs: int, report: Report) -> None:
    context = multiprocessing.get_context("spawn")
    shared = _Shared(context, jobs)
    here, there = context.Pipe(duplex=False)
    processes = [
        context.Process(target=_work, args=(run, todo, shared, job, there), daemon=True) for job in range(jobs)
    ]
    try:
        for process in processes:
            process.start()
        _wait(processes, shared, report)
        if here.poll():
            raise here.recv()
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()  # of no effect on one that has ended
                process.join()


def _wait(processes: Sequence[SpawnProcess], shared: _Shared, report: Report) -> None:
    """Until all processes have ended. Raises BulkError if one was killed."""
    running = list(processes)
    before = shared.totals()
    while running:
        wait([process.sentinel for process in running], _REPORT_SECONDS)
        ended = [process for process in running if process.exitcode is not None]
        running = [process for process in running if process not in ended]
        for process in ended:
            if process.exitcode:
                raise BulkError(
                    f"a process ended with status {process.exitcode}, as it does when memory runs out (-9); "
                    "the same command goes on with the parts that are missing"
                )
        now = shared.totals()
        report(*(later - earlier for later, earlier in zip(now, before, strict=True)))
        before = now


def _work(run: Run, todo: Sequence[Part], shared: _Shared, job: int, errors: "Connection[Any, Any]") -> None:
    """What a process of a run does."""
    # Ctrl+C reaches the whole group. The first process ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        models = Models(run.settings)
        for part in shared.take(todo):
            run.write(part, models, lambda *counts: shared.add(job, counts))
    except (ArchiveError, BulkError) as error:
        shared.stop(todo)
        errors.send(error)


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
