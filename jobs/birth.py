"""What workers have from birth: a steady clock, few looks for cycles, silence when their parent is dying.

Imported by the server that workers are forked from, and by nobody else.  A process that it forks reads
from the main process what it is to be.  Where that has been killed or interrupted half-way there is
nothing to read, or the semaphores it is told of have gone; that would be a traceback in the terminal
after the prompt.  The main process, if it lives, learns of it from the exit code.
"""

from __future__ import annotations

import pickle
import sys
from types import TracebackType

from jobs.clock import use_steady_clock
from jobs.cycles import look_seldom

_UNBORN = (EOFError, FileNotFoundError, ConnectionError, pickle.UnpicklingError)


def quiet(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Pass on what goes wrong, but for a birth without a parent."""
    if not issubclass(kind, _UNBORN):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = quiet
look_seldom()
use_steady_clock()
