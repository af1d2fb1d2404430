"""Native entries: compiled functions as built-in functions, called without a step of Python in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.compiler.backend import Native
from wengert.compiler.compiled import Compiled, Output
from wengert.compiler.executable import Executable
from wengert.compiler.native.entry import FAILED_RUN, CellGuard, DictGuard, In, Object, Out, Static, make_entry
from wengert.compiler.signature import Call

__all__ = ["FAILED_RUN", "entry_of"]

_PYTHON = frozenset({float, int})


def entry_of(compiled: Compiled, call: Call) -> Callable[..., Any] | None:
    """A function of the positional arguments of ``call`` that runs ``compiled``; ``None`` where that can't be made.

    It gives ``NotImplemented`` for other arguments, or where what the function refers to has changed, and
    ``FAILED_RUN`` where the results are not to be used.
    """
    executable = compiled.run
    if not isinstance(executable, Executable) or compiled.fixed or compiled.build is None:
        return None
    piece = executable.whole
    if piece is None or not isinstance(piece.run, Native) or call.boxed:
        return None
    if compiled.donated:  # an entry does not ask whether an array may be written to
        return None
    captured = [c.array for c in compiled.captures]
    if not all([type(x) is np.ndarray for x in captured]):
        return None
    kinds = [w or type(x) for x, w in zip(call.arrays, call.weak, strict=True)]
    given, named = call.rebuild([In(i, kind) for i, kind in enumerate(kinds)])
    if named:
        return None
    try:
        arguments = [_tree(x, _argument) for x in given]
        result = _tree(compiled.build(list(_leaves(compiled.results, executable))), _result)
    except _Unsuitable:
        return None
    guards = [CellGuard(cell, found) for cell, found in compiled.guards.cells]
    names = [DictGuard(scope, name, found) for scope, name, found in compiled.guards.names]
    places = list(enumerate(captured, len(kinds)))
    return make_entry(piece.run.linked, arguments, result, places, [*guards, *names])


def _leaves(results: Sequence[Any], executable: Executable) -> Any:
    """The leaves of the result as the entry takes them."""
    piece = executable.whole
    assert piece is not None
    index = {y.number: i for i, y in enumerate(piece.outputs)}
    for leaf in results:
        if type(leaf) is not Output:
            yield Object(leaf)
            continue
        value = executable.graph.outputs[leaf.position]
        kind = "array" if value.ndim else "python" if leaf.weak in _PYTHON else "scalar"
        yield Out(index[value.number], kind)


class _Unsuitable(Exception):
    """A tree of something else than lists, tuples, dicts and leaves."""


def _tree(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """``tree`` with ``leaf`` of everything in it that is no list, tuple or dict."""
    kind = type(tree)
    if kind is dict:
        return {key: _tree(part, leaf) for key, part in tree.items()}
    if kind is list or kind is tuple:
        return kind([_tree(part, leaf) for part in tree])
    return leaf(tree)


def _argument(x: Any) -> Any:
    """What is not traced has to be what it was."""
    if isinstance(x, In):
        return x
    if not isinstance(x, str | bytes | int | float | type(None)) and not callable(x):
        raise _Unsuitable
    return Static(x)


def _result(x: Any) -> Any:
    if isinstance(x, Out | Object):
        return x
    if x is not None:
        raise _Unsuitable
    return Object(None)
