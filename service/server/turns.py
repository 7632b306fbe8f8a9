"""How the threads of this process take turns on one core: the event loop, the engine, and who reads long texts."""

import os
import sys
from contextlib import suppress

# While a long text is read in its thread, the event loop asks for the interpreter many times in a request, and by
# default waits 5 ms each time.
SWITCH_SECONDS = 0.0005


def take_turns() -> None:
    """To be called before there are other threads, which take it over."""
    sys.setswitchinterval(SWITCH_SECONDS)
    # A thread that wakes up waits for its turn. By default it takes the core from the one that has it: under overload
    # the event loop from the engine for each request, and what both had in the caches is lost (docs/performance.md).
    if hasattr(os, "SCHED_BATCH"):  # Linux
        with suppress(OSError):  # forbidden
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
