"""Python's garbage collector, kept from holding up requests.

The models are millions of objects that stay: to walk them takes a tenth of a second, and by default happens again and
again, a quarter of all the time that requests take (docs/performance.md).
"""

import gc


def settle() -> None:
    """What is there now stays, and is not walked again before the next call. To be called when the models have been
    loaded, and when one has taken the place of another, whose memory is given back."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # Nearly all that a request makes goes without the collector's help, so that may wait for much to collect.
    gc.set_threshold(50_000, 5, 5)


class Rest:
    """While a long text is under way, the collector rests: it would walk the text's hundreds of thousands of tokens
    again and again, and whoever asks meanwhile would wait a tenth of a second each time. They go without it, and
    hardly any other request leaves it something to do."""

    def __init__(self) -> None:
        self._texts = 0

    def __enter__(self) -> None:
        self._texts += 1
        gc.disable()

    def __exit__(self, *_: object) -> None:
        self._texts -= 1
        if not self._texts:
            gc.enable()
