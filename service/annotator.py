"""One request's road through the service: texts become windows, windows taggings, taggings entities.

Called by the routes. Windows and entities are plain Python work; for a long text it takes up to half a second,
so then it happens in a thread of its own and the event loop stays free for the others.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from model.annotation import Entity
from service import trace
from service.batcher import Batcher
from service.errors import DeadlineError, TooLargeError
from service.registry import Recognizer

# About 5 ms of tokenizing: below it, the way to a thread and back costs more than the loop gains.
LONG_TEXT_CHARACTERS = 10_000

Result = TypeVar("Result")


class Annotator:
    """`max_tokens` bounds the texts of one request together, `deadline_seconds` the time to their entities."""

    def __init__(self, batcher: Batcher, max_tokens: int, deadline_seconds: float) -> None:
        self._batcher = batcher
        self._max_tokens = max_tokens
        self._deadline_seconds = deadline_seconds
        # One thread: several would only share the interpreter lock, and make the loop wait for each of them.
        self._long_texts = ThreadPoolExecutor(1, thread_name_prefix="long-texts")

    async def entities(self, recognizer: Recognizer, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, with code-point offsets.

        Raises TooLargeError for more tokens than the limit, DeadlineError, and what `Batcher.submit` raises.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        long = sum(map(len, texts)) > LONG_TEXT_CHARACTERS
        windows = await self._computed(long, deadline, lambda: [recognizer.windows(text) for text in texts])
        flat = [window for of_text in windows for window in of_text]
        tokens = sum(map(len, flat))
        count = trace.current().models[recognizer.name]
        count.texts += len(texts)
        count.tokens += tokens
        if tokens > self._max_tokens:
            message = f"the request has {tokens:,} tokens; the limit is {self._max_tokens:,}"
            raise TooLargeError(message, reason="too_many_tokens")
        taggings = iter(await self._batcher.submit(recognizer, flat, deadline))
        found = await self._computed(
            long,
            deadline,
            lambda: [
                recognizer.entities(text, of_text, [next(taggings) for _ in of_text])
                for text, of_text in zip(texts, windows, strict=True)
            ],
        )
        count.entities.update(entity.label for of_text in found for entity in of_text)
        return found

    async def _computed(self, long: bool, deadline: float, compute: Callable[[], Result]) -> Result:
        if not long:
            return compute()
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._long_texts, compute)
        except TimeoutError:
            raise DeadlineError("the deadline passed before the answer") from None

    def close(self) -> None:
        self._long_texts.shutdown(wait=False, cancel_futures=True)
