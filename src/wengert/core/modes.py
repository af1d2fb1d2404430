"""What is switched on: recording, the memory guard, debugging. Per thread and per asynchronous task.

``special`` counts the contexts entered anywhere in the process in which operations are recorded otherwise than usual,
``unguarded`` what has switched the guard off: so the engine's short ways find out by one look at a number that nothing
is switched.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from itertools import count
from threading import Lock
from typing import Any, NamedTuple, TypeVar

__all__ = [
    "Switch",
    "debugging",
    "enter_batch",
    "enter_profile",
    "enter_trace",
    "floor",
    "guarding",
    "in_batch",
    "is_guard_on",
    "leave_batch",
    "leave_profile",
    "leave_trace",
    "new_level",
    "next_number",
    "profile",
    "trace",
    "turn_memory_guarding_off",
    "turn_memory_guarding_on",
    "was_unguarded",
]

F = TypeVar("F", bound=Callable[..., Any])

new_level: Callable[[], int] = count(1).__next__
"""A number for a transformation that is being entered: higher than any before, in whichever thread."""

next_number: Callable[[], int] = count().__next__
"""Numbers the nodes of the tape, and the moments at which the guard is switched."""

special = 0
unguarded = 0
tracing = 0
"""How many functions are being traced anywhere in the process."""
batching = 0
"""How many functions are being run on a batch of examples anywhere in the process."""
profiling = 0
"""How many profiles are being taken anywhere in the process."""
debugged = False
"""Whether values have ever been saved in debug mode."""
inspected = False
"""Whether they have, or a profile is being taken anywhere in the process."""

_counting = Lock()
_Log = tuple[tuple[int, bool | None], ...]
_REMEMBERED = 256
_log: ContextVar[_Log] = ContextVar("wengert_log", default=())
"""From which number on ``mem_guard_on`` (``True``), ``_off`` or neither (``None``) was in force here, latest last."""
_log_everywhere: deque[tuple[int, bool]] = deque(maxlen=4096)
"""From which number on the guard was on, where neither was in force."""

_floor: ContextVar[int] = ContextVar("wengert_floor", default=0)
floor = _floor.get
"""The lowest level whose operations are recorded: 0, unless within ``no_autodiff``."""


_trace: ContextVar[Any] = ContextVar("wengert_trace", default=None)
trace = _trace.get
"""The trace that a function is being run for here, or ``None``."""


def enter_trace(made: Any) -> Token[Any]:
    """From now on, operations here belong to the trace ``made``."""
    global tracing
    _count(1, 0)
    with _counting:
        tracing += 1
    return _trace.set(made)


def leave_trace(token: Token[Any]) -> None:
    """The trace that was entered is over."""
    global tracing
    _trace.reset(token)
    with _counting:
        tracing -= 1
    _count(-1, 0)


_in_batch: ContextVar[bool] = ContextVar("wengert_in_batch", default=False)
in_batch = _in_batch.get
"""Whether a function is being run on a batch of examples here."""


def enter_batch() -> Token[bool]:
    """From now on, arrays may stand for a batch of examples."""
    global batching
    _count(1, 0)
    with _counting:
        batching += 1
    return _in_batch.set(True)


def leave_batch(token: Token[bool]) -> None:
    """The batch that was entered is done."""
    global batching
    _in_batch.reset(token)
    with _counting:
        batching -= 1
    _count(-1, 0)


_profile: ContextVar[Any] = ContextVar("wengert_profile", default=None)
profile = _profile.get
"""What measures the operations that are done here, or ``None``."""


def enter_profile(made: Any) -> Token[Any]:
    """From now on, ``made`` is told of what is done here."""
    global profiling, inspected
    _count(1, 0)
    with _counting:
        profiling += 1
        inspected = True
    return _profile.set(made)


def leave_profile(token: Token[Any]) -> None:
    """The profile that was entered is complete."""
    global profiling, inspected
    _profile.reset(token)
    with _counting:
        profiling -= 1
        inspected = debugged or profiling > 0
    _count(-1, 0)


class _State(NamedTuple):
    guard: bool | None = None
    debug: bool = False
    floor: int = 0
    before: Any = None


_state: ContextVar[_State] = ContextVar("wengert_modes", default=_State())  # noqa: B039 - it is immutable
_guard_everywhere = True


def _count(special_step: int, unguarded_step: int) -> None:
    """Take note that something has been switched."""
    global special, unguarded
    with _counting:
        special += special_step
        unguarded += unguarded_step


def was_unguarded(number: float) -> bool:
    """Whether the guard was off in this thread or task when the node of this ``number`` was made."""
    for log in (_log.get(), tuple(_log_everywhere)):
        for moment, guard in reversed(log):
            if moment < number:
                if guard is not None:
                    return not guard
                break
    return False


def guarding() -> bool:
    """Whether an operation recorded now locks the arrays that it uses."""
    return is_guard_on() and floor() == 0


def debugging() -> bool:
    """Whether saved values are to be fingerprinted."""
    return _state.get().debug


def is_guard_on() -> bool:
    """Whether the memory guard is switched on here.

    ``mem_guard_on`` and ``mem_guard_off`` decide; outside them, ``turn_memory_guarding_on`` and ``_off``.

    >>> import wengert as wg
    >>> with wg.mem_guard_off:
    ...     wg.mem_guard_active()
    False
    """
    guard = _state.get().guard
    return _guard_everywhere if guard is None else guard


def turn_memory_guarding_off() -> None:
    """Switch the memory guard off in the whole process, except within ``mem_guard_on``. Locks that exist stay.

    >>> import wengert as wg
    >>> wg.turn_memory_guarding_off()
    >>> wg.mem_guard_active()
    False
    >>> wg.turn_memory_guarding_on()
    """
    global _guard_everywhere
    if _guard_everywhere:
        _guard_everywhere = False
        _log_everywhere.append((next_number(), False))
        _count(0, 1)


def turn_memory_guarding_on() -> None:
    """Switch the memory guard on again in the whole process, except within ``mem_guard_off``: the default."""
    global _guard_everywhere
    if not _guard_everywhere:
        _guard_everywhere = True
        _log_everywhere.append((next_number(), True))
        _count(0, -1)


class Switch:
    """A context manager and decorator that is used without a call: ``with wg.mem_guard_off: ...``.

    It may be entered again while it is in force, by this thread or by others, and puts back what it found, also after
    an exception. Decorating an ``async`` function covers its whole run.
    """

    def __init__(self, name: str, doc: str, **changes: Any) -> None:
        self.__name__ = name
        self.__doc__ = doc
        self._changes = changes
        self._steps = int("guard" not in changes), int(changes.get("guard") is False)

    def __repr__(self) -> str:
        return f"<wengert.{self.__name__}>"

    def __enter__(self) -> None:
        global debugged, inspected
        state = _state.get()
        self._set(state._replace(**self._changes, before=state))
        debugged = debugged or "debug" in self._changes
        inspected = inspected or debugged
        _count(*self._steps)

    def __exit__(self, *exception: object) -> None:
        special, unguarded = self._steps
        _count(-special, -unguarded)
        self._set(_state.get().before)

    def _set(self, state: _State) -> None:
        _state.set(state)
        if "guard" in self._changes:
            _log.set((*_log.get()[1 - _REMEMBERED :], (next_number(), state.guard)))

    def __call__(self, function: F) -> F:
        """``function``, run within this context. Raises ``TypeError`` if it is no function."""
        if not callable(function):
            raise TypeError(f"{self.__name__} decorates a function; got {function!r}. As a context: with {self!r}: ...")
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"{self.__name__} can't decorate {function.__name__}: a generator runs when it is asked for values, "
                f"which is after the call. Write `with wengert.{self.__name__}:` inside it, where nothing is yielded."
            )
        if iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]

        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class Suspension(Switch):
    """The switch that suspends recording: for every level that is open when it is entered."""

    def __enter__(self) -> None:
        super().__enter__()
        _state.set(_state.get()._replace(floor=floor()))
        _floor.set(new_level())

    def __exit__(self, *exception: object) -> None:
        _floor.set(_state.get().floor)
        super().__exit__(*exception)


if os.environ.get("WENGERT_MEM_GUARD", "1").strip().lower() in ("0", "false", "off", "no"):
    turn_memory_guarding_off()
