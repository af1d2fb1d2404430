"""The memory guard: arrays that a live graph uses are read-only until the graph is gone.

An array is locked while a :class:`Hold` on it exists. Whatever uses the array keeps the hold, so the lock goes with
the last user, by reference counting. Only arrays that a person can reach are held; a tensor's own memory is, once it
has been handed out. The arguments of a transformation, whose locks end at a known moment, are frozen instead, which is
quicker.

What is read-only and neither held nor frozen is so by itself, and stays so. NumPy lets a view be made writeable only
while its base is. A view whose base is still in use by others waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from sys import getrefcount
from threading import RLock
from typing import Any
from weakref import ref

import numpy as np
from numpy import ndarray

from wengert.core import modes

__all__ = ["Hold", "begin", "born_locked", "end", "freeze", "hold", "is_locked", "keep", "lock", "thaw"]

_Plain = np.ndarray[Any, Any]


class _Lock:
    """That ``array`` is held, by ``holder``. ``waiting`` are views that are to be unlocked together with it.

    Apart from the hold, since the cycle collector clears weak references that are part of garbage.
    """

    __slots__ = ("array", "holder", "key", "waiting")

    array: Any
    holder: ref[Hold]
    key: int
    waiting: list[ref[_Plain]] | None

    def wait(self, view: _Plain) -> None:
        """Unlock ``view`` together with this array."""
        self.waiting = [w for w in self.waiting or () if w() is not None]
        self.waiting.append(ref(view))


_locks: dict[int, _Lock] = {}
"""The locks that there are, by the ``id`` of their arrays. One of an array that is gone may linger."""

_kept: dict[int, dict[int, Any]] = {}
"""By the levels of transformations that are open: the arrays that they have frozen, and the holds that they keep."""

_turn = RLock()
"""Who has it may lock and unlock. Reentrant, as the cycle collector may run in between."""

_new: Any = object.__new__


class Hold:
    """Keeps an array read-only for as long as this object lives, and the array that it is a view of.

    It does not keep the array alive.
    """

    __slots__ = ("__weakref__", "base", "lock")

    base: Hold | None
    lock: _Lock

    @property
    def key(self) -> int:
        """The ``id`` of the array."""
        return self.lock.key

    def __del__(self) -> None:
        with _turn:
            mine = self.lock
            if _locks.get(mine.key) is not mine:  # someone has held the array anew since this became garbage
                return
            array = mine.array()
            mine.array = _nothing  # from now on nobody finds this hold
            if getrefcount(self) > _OWN_REFERENCES and array is not None:  # another thread has found it just before
                self.base = _made(array, self.base, mine.waiting)
                return
            del _locks[mine.key]
            self.base = None  # which unlocks the base if nobody else holds it
            if array is not None:
                _unlock(array)
                for waits in mine.waiting or ():
                    view = waits()
                    if view is not None:
                        _unlock(view)


def _nothing() -> None:
    """What a weak reference to something that is gone returns."""


def _references() -> int:
    """What ``getrefcount`` says of ``self`` in ``__del__`` of something that nobody else refers to."""
    counts = []

    class Probe:
        def __del__(self) -> None:
            with _turn:
                counts.append(getrefcount(self))

    Probe()
    return counts[0]


_OWN_REFERENCES = _references()


def hold(array: _Plain) -> Hold | None:
    """A hold on ``array``; ``None`` if the guard is off, or the array and its base are read-only by themselves."""
    if modes.unguarded and not modes.guarding():
        return None
    found = _locks.get(id(array))
    if found is not None:
        holder = found.holder()  # looked at first: see Hold.__del__
        if holder is not None and found.array() is array:
            return holder
    base = array.base
    if base is not None and not array.flags.writeable and (found := _locks.get(id(base))) is not None:
        holder = found.holder()  # a view that was made while its base was locked, such as X[t] in a loop
        if holder is not None and not found.waiting and found.array() is base and _frozen_in(array) is None:
            return holder
    return lock(array)


def lock(array: _Plain) -> Hold | None:
    """``hold``, whether the guard is on or off."""
    with _turn:
        found = _lock_on(array)
        if found is not None and (holder := found.holder()) is not None:
            return holder
        shown = _base_of(array)
        base = None if shown is None else lock(shown)
        if shown is not None and shown is not array.base:  # NumPy would not let it be unlocked again
            return base
        if found is None and not array.flags.writeable and _frozen_in(array) is None and not _waited(array, base):
            return base
        return _made(array, base, None if found is None else found.waiting)


def _made(array: _Plain, base: Hold | None, waiting: list[ref[_Plain]] | None) -> Hold:
    made: Hold = _new(Hold)
    made.base = base
    made.lock = entry = _new(_Lock)
    entry.array = ref(array)
    entry.holder = ref(made)
    entry.key = id(array)
    entry.waiting = waiting
    _locks[entry.key] = entry
    array.setflags(write=False)  # at last: what is collected meanwhile may have unlocked it
    return made


def begin(level: int) -> dict[int, Any]:
    """What is locked by operations of ``level`` from now on: kept until :func:`end`, and as long as this dictionary.

    So the locks of a transformation end with it, also where a traceback keeps its graph alive.
    """
    made = _kept[level] = {}
    return made


def end(level: int) -> None:
    """The transformation of ``level`` keeps no more locks."""
    _kept.pop(level, None)


def keep(node: Any, level: int, made: Hold) -> None:
    """Keep ``made`` for ``node``, recorded at ``level``: until the node or the level goes."""
    kept = _kept.get(level)
    if kept is None:
        node.keep(made)
    else:
        kept[made.lock.key] = made


def freeze(arrays: Iterable[Any], level: int) -> None:
    """Lock those of ``arrays`` that are plain, and what is locked by operations of ``level``, until :func:`thaw`."""
    kept = _kept[level] = {}
    if modes.unguarded and not modes.guarding():
        return
    latest = None
    for x in arrays:
        if type(x) is not ndarray:
            continue
        base = x.base
        if base is not latest and type(base) is ndarray and base.base is None and base.flags.writeable:
            base.setflags(False)  # type: ignore[call-arg]  # by position, it takes half the time
            kept[id(base)] = latest = base
        if (base is None or base is latest) and x.flags.writeable:
            x.setflags(False)  # type: ignore[call-arg]
            kept[id(x)] = x
        else:
            with _turn:
                _freeze(x, kept)


def _freeze(x: _Plain, kept: dict[int, Any]) -> None:
    """Freeze ``x``, a view or already read-only, for whoever has ``kept``; the array that it is a view of first."""
    if id(x) in kept:
        return
    shown = _base_of(x)
    if shown is not None:
        _freeze(shown, kept)
    if shown is not None and shown is not x.base:
        return
    found = _lock_on(x)
    if found is not None:
        kept[id(x)] = lock(x)
    elif x.flags.writeable or _frozen_in(x) is not None:
        x.setflags(False)  # type: ignore[call-arg]
        kept[id(x)] = x


def thaw(level: int) -> None:
    """Undo :func:`freeze`."""
    if not _kept[level]:
        del _kept[level]
        return
    with _turn:
        kept = _kept.pop(level)
        alone = not _locks and not _kept
        for x in kept.values():  # bases stand before their views
            if type(x) is ndarray:
                if alone and ((base := x.base) is None or (type(base) is ndarray and base.flags.writeable)):
                    x.setflags(True)  # type: ignore[call-arg]
                else:
                    _unlock(x)


def _base_of(array: _Plain) -> _Plain | None:
    """The array that ``array`` is a view of, also through what NumPy's stride tricks put in between."""
    base = array.base
    while base is not None and not isinstance(base, ndarray):
        base = getattr(base, "base", None)
    return base


def _unlock(array: _Plain) -> None:
    """Make ``array`` writeable: now, or when whoever else needs it, or its base, is done."""
    if _frozen_in(array) is not None or _lock_on(array) is not None:
        return
    base = _base_of(array)
    if base is None or base.flags.writeable:
        array.setflags(write=True)
    elif not _wait(array):  # the base is read-only by itself since, which NumPy takes for a reason to refuse
        try:
            base.setflags(write=True)
        except ValueError:  # and was before: a view of it can't have been writeable
            return
        array.setflags(write=True)
        base.setflags(write=False)


def _wait(view: _Plain) -> bool:
    """Let ``view`` be unlocked together with the nearest array it is a view of that is locked; whether there is one."""
    base = _base_of(view)
    while base is not None:
        found = _lock_on(base)
        if found is not None:
            found.wait(view)
            return True
        kept = _frozen_in(base)
        if kept is not None:
            kept[id(view)] = view
            return True
        base = _base_of(base)
    return False


def born_locked(view: _Plain) -> None:
    """``view`` was made of an array while that was locked, and is to be writeable once that is."""
    if type(view) is ndarray and not view.flags.writeable:
        with _turn:
            _wait(view)


def is_locked(array: Any) -> bool:
    """Whether ``array`` is read-only because it is in use, not by itself."""
    with _turn:
        while array is not None:
            if _lock_on(array) is not None or _frozen_in(array) is not None:
                return True
            array = _base_of(array)
    return False


def _lock_on(array: _Plain) -> _Lock | None:
    found = _locks.get(id(array))
    return found if found is not None and found.array() is array else None


def _frozen_in(array: _Plain) -> dict[int, Any] | None:
    """Where ``array`` is kept as frozen."""
    key = id(array)
    for kept in list(_kept.values()):  # other threads may add to them
        if kept.get(key) is array:
            return kept
    return None


def _waited(array: _Plain, base: Hold | None) -> bool:
    """Whether ``array`` is read-only because it waits for its base to be unlocked; if so, it waits no longer."""
    if base is None or not base.lock.waiting:
        return False
    rest = [w for w in base.lock.waiting if w() is not array]
    found = len(rest) < len(base.lock.waiting)
    base.lock.waiting = rest
    return found
