"""The threads of ``crew.py``: how many, and where they come from.

There are as many as NumPy's BLAS uses, the caller included, or ``WENGERT_NUM_THREADS``. They are started by the first
program that has work for them, and belong to no Python thread. A process that was forked has none, and works alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from typing import Any

from wengert.compiler.native import crew as native
from wengert.compiler.native import runtime, world
from wengert.compiler.native.blas import blas

__all__ = ["crew", "thread_count"]


def thread_count() -> int:
    """How many threads a program may use."""
    if os.name != "posix":
        return 1
    chosen = os.environ.get("WENGERT_NUM_THREADS", "")
    if chosen.isdigit():
        return max(1, int(chosen))
    library = blas()
    return library.thread_count() if library else 1


class _Crew:
    """The row of words that the threads share, and what it refers to."""

    def __init__(self, count: int) -> None:
        posix = ctypes.CDLL(None)
        self.words = (ctypes.c_int64 * (native.SIZE // 8 + 16))()
        self.address = -(-ctypes.addressof(self.words) // 128) * 128
        self.mutex, self.condition = ((ctypes.c_int64 * 32)() for _ in range(2))
        posix.pthread_mutex_init(self.mutex, None)
        posix.pthread_cond_init(self.condition, None)
        for place, value in (
            (native.WORLD, ctypes.addressof(world.world())),
            (native.MUTEX, ctypes.addressof(self.mutex)),
            (native.CONDITION, ctypes.addressof(self.condition)),
        ):
            ctypes.c_int64.from_address(self.address + place).value = value
        world.immortal(self)
        self._start(posix, count - 1)

    def _start(self, posix: Any, count: int) -> None:
        work = ctypes.c_void_p(runtime.addresses()["work"])
        thread = ctypes.c_int64()
        former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            for _ in range(count):
                if posix.pthread_create(ctypes.byref(thread), None, work, ctypes.c_void_p(self.address)):
                    return
                posix.pthread_detach(thread)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)

    def desert(self) -> None:
        """In a process that was forked: there are no threads, and nobody has the crew or sleeps."""
        for place in (native.TAKEN, native.GATE, native.ASLEEP):
            ctypes.c_int64.from_address(self.address + place).value = 0


_CREWS: list[_Crew] = []
_STARTING = threading.Lock()


def _after_fork() -> None:
    global _STARTING
    _STARTING = threading.Lock()
    for crew in _CREWS:
        crew.desert()


def crew() -> int:
    """The address of the crew, with its threads running; 0 if there is to be one thread only."""
    with _STARTING:
        if not _CREWS:
            count = thread_count()
            if count < 2:
                return 0
            _CREWS.append(_Crew(count))
            os.register_at_fork(after_in_child=_after_fork)
        return _CREWS[0].address
