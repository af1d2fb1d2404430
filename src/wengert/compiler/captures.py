"""Captured arrays: what a traced function finds in closures, globals and attributes rather than among its arguments.

A captured array is an input of the graph that is read anew at each call. An array that nobody else refers to once the
function has returned was made by plain NumPy on the way: it becomes a constant, with the elements that it had when it
was used.
"""

from __future__ import annotations

from collections import Counter
from sys import getrefcount
from typing import Any

import numpy as np

from wengert.compiler.graph import Graph, Source, Value
from wengert.core.dispatch import Box
from wengert.errors import TraceError, written_outside

__all__ = ["Capture", "Fixed", "Held", "changed", "freeze", "settle"]


class Held:
    """What a box held when it was met, so that a write to it is noticed and undone."""

    __slots__ = ("box", "history", "inner")

    def __init__(self, box: Any) -> None:
        self.box = box
        self.inner: Any = box._inner
        self.history: Any = box._history

    def has_changed(self) -> bool:
        """Whether the box has got other contents."""
        return self.box._inner is not self.inner

    def restore(self) -> None:
        """Give the box what it held."""
        self.box._inner = self.inner
        if hasattr(self.box, "_node"):
            self.box._node = self.history


class Capture:
    """One array, plain or boxed, as the function found it. ``value`` stands for it in the graph, as does ``symbol``.

    ``content`` are its bytes when it was first used, as far as it is plain, until the function has returned.
    """

    __slots__ = ("array", "content", "held", "source", "symbol", "value")

    value: Value
    symbol: Any

    def __init__(self, array: Any, source: Source | None) -> None:
        self.array = array
        self.source = source
        self.held = Held(array) if isinstance(array, Box) else None
        self.content: bytes | None = None
        plain = array._inner if isinstance(array, Box) and array._level == 0 else array
        if isinstance(plain, np.ndarray | np.generic):
            self.content = plain.tobytes()

    def has_changed(self) -> bool:
        """Whether the array was written to since."""
        if self.held is not None:
            return self.held.has_changed()
        return bool(self.array.flags.writeable or self.array.base is not None) and self.array.tobytes() != self.content

    def as_found(self) -> np.ndarray[Any, Any]:
        """A plain array with the elements as they were."""
        assert self.content is not None  # it is plain
        made: np.ndarray[Any, Any] = np.frombuffer(self.content, self.value.dtype).reshape(self.value.shape)
        return made


class Fixed:
    """An array on whose very elements the graph depends, such as a mask that a function has found and read by."""

    __slots__ = ("array", "content")

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.content = array.tobytes()

    def is_temporary(self) -> bool:
        """Whether nobody else refers to the array's memory."""
        array = self.array
        if array.base is not None:
            return False
        return getrefcount(array) <= _OWN_REFERENCES + 1

    def holds(self) -> bool:
        """Whether the elements are still the same."""
        return self.array.tobytes() == self.content


def settle(captures: list[Capture], graph: Graph) -> tuple[list[Capture], bool]:
    """The captures that remain inputs of ``graph``, and whether others have become constants.

    Raises ``TraceError`` if the function has written to an array that it did not make.
    """
    uses = Counter([id(c.array) for c in captures])
    found = {id(c.array): c.array for c in captures}
    views = Counter([id(x.base) for x in found.values() if type(x) is np.ndarray and x.base is not None])
    del found
    kept: list[Capture] = []
    for capture in captures:
        if _is_temporary(capture, uses, views):
            capture.value.prim, capture.value.attrs = "constant", capture.as_found()
        elif capture.has_changed():
            if capture.held is not None:
                capture.held.restore()
            raise changed(capture.source)
        else:
            capture.content = None
            kept.append(capture)
    if len(kept) < len(captures):
        _renumber(graph)
    return kept, len(kept) < len(captures)


def freeze(captures: list[Capture], graph: Graph) -> None:
    """Make all captures, which are plain, constants."""
    for capture in captures:
        capture.value.prim, capture.value.attrs = "constant", capture.as_found()
    _renumber(graph)


def _renumber(graph: Graph) -> None:
    graph.inputs = [x for x in graph.inputs if x.prim == "input"]
    for i, x in enumerate(graph.inputs):
        x.attrs = i


def changed(source: Source | None) -> TraceError:
    """What is raised where a traced function writes to an array that it did not make, used at ``source``."""
    return written_outside("" if source is None else f" (used at {source})")


def _is_temporary(capture: Capture, uses: Counter[int], views: Counter[int]) -> bool:
    """Whether nobody but captures refers to the array's memory; ``views`` counts those that are views of an array."""
    array = capture.array
    if isinstance(array, Box):
        if capture.content is None or getrefcount(array) > _OWN_REFERENCES + 2 * uses[id(array)]:
            return False
        assert capture.held is not None
        inner = capture.held.inner
        if isinstance(inner, np.generic) or (
            inner.base is None and getrefcount(inner) <= _OWN_REFERENCES + 1 + uses[id(array)]
        ):
            return True
        capture.array, capture.held = inner, None  # a tensor made over an array of somebody else's
        return False
    base = array.base
    if base is None:
        return getrefcount(array) <= _OWN_REFERENCES + uses[id(array)] + views[id(array)]
    if type(base) is not np.ndarray or base.base is not None:
        return False
    return getrefcount(base) <= _OWN_REFERENCES + uses[id(base)] + views[id(base)]


def _references() -> int:
    """What ``getrefcount`` says in ``_is_temporary`` of a base that nobody refers to."""

    def probe(array: Any) -> int:
        base = array.base
        return getrefcount(base)

    return probe(np.empty(2)[:1]) - 1


_OWN_REFERENCES = _references()
