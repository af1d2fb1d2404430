"""Fingerprints of saved values: finds out at backpropagation that one has been changed since."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from wengert.core.aliasing import innermost
from wengert.core.dispatch import Box
from wengert.core.tape import Node
from wengert.errors import SavedValueChanged

__all__ = ["take", "verify"]


class _Evidence(NamedTuple):
    digests: tuple[int | None, ...]
    place: str


_taken: WeakKeyDictionary[Node, _Evidence] = WeakKeyDictionary()
_OURS = __file__.rpartition("core")[0]
_NUMPY = np.__file__.rpartition("__init__")[0]


def take(node: Node) -> None:
    """Take the fingerprints of what ``node`` has saved, and note the line that is being run."""
    _taken[node] = _Evidence(_digests(node), _place())


def verify(nodes: Iterable[Node]) -> None:
    """Raise ``SavedValueChanged`` if a value that one of ``nodes`` has saved is not what it was."""
    if not _taken:
        return
    for node in nodes:
        evidence = _taken.get(node)
        if evidence is None:
            continue
        for i, (before, now) in enumerate(zip(evidence.digests, _digests(node), strict=True)):
            if before != now:
                what = "The result" if i == len(node.xs) else "An input"
                assert node.op is not None
                raise SavedValueChanged(
                    f"{what} of {node.op.name} has been changed since it was used, {evidence.place}. Its derivative "
                    "needs the old value: change a copy, or make the change before the use."
                )


def _digests(node: Node) -> tuple[int | None, ...]:
    return tuple([_digest(x) for x in (*node.xs, node.y)])


def _digest(x: Any) -> int | None:
    if isinstance(x, Box):
        x = innermost(x)
    if type(x) is not np.ndarray:
        return None
    return hash(x.tobytes())


def _place() -> str:
    """The line of the person's code that is being run."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_OURS, _NUMPY)):
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    line = linecache.getline(name, number).strip()
    return f"in {name}, line {number}" + (f": {line}" if line else "")
