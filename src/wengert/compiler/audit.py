"""Debugging: whether a jitted function, traced again, would still be what was compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.compiler.compiled import Compiled, Output, compile_call
from wengert.compiler.graph import Value
from wengert.compiler.signature import Call
from wengert.errors import TraceError

__all__ = ["audit"]


def audit(f: Callable[..., Any], compiled: Compiled, call: Call) -> None:
    """Trace ``f`` again and compare. ``TraceError`` if something has changed that guards can't see."""
    again = compile_call(f, call)
    place = _difference(compiled, again)
    if place is not None:
        raise TraceError(
            f"wg.jit: the function would not be compiled as it was at its first call{place}. It depends on something "
            "that has changed and that jit can't see: an attribute of an object, an element of a list or dict. Pass it "
            "as an argument, or call f.clear_cache() after the change."
        )


def _difference(a: Compiled, b: Compiled) -> str | None:
    """Where two compiled forms differ: the line of the program, as far as it is known."""
    for x, y in zip(a.graph.values, b.graph.values, strict=False):
        if _described(x) != _described(y):
            source = y.source
            return "" if source is None else f" ({source.file}, line {source.line}, in {source.function})"
    same = len(a.graph.values) == len(b.graph.values) and len(a.captures) == len(b.captures)
    same = same and all(
        [c.array is d.array or _same_view(c.array, d.array) for c, d in zip(a.captures, b.captures, strict=False)]
    )
    same = same and [repr(r) for r in a.results if type(r) is not Output] == [
        repr(r) for r in b.results if type(r) is not Output
    ]
    return None if same else ""


def _same_view(x: Any, y: Any) -> bool:
    arrays = isinstance(x, np.ndarray) and isinstance(y, np.ndarray)
    return arrays and x.__array_interface__ == y.__array_interface__


def _described(value: Value) -> Any:
    attrs = value.attrs
    if value.prim == "constant":
        attrs = attrs.tobytes()
    elif value.prim == "apply":
        attrs = attrs.op.name, _text(attrs.args), _text(attrs.params)
    return value.prim, tuple([x.number for x in value.inputs]), attrs, value.shape, value.dtype


def _text(tree: Any) -> Any:
    if isinstance(tree, dict):
        return tuple([(name, _text(part)) for name, part in tree.items()])
    if isinstance(tree, tuple | list):
        return tuple([_text(part) for part in tree])
    if isinstance(tree, np.ndarray):
        return tree.shape, tree.dtype, tree.tobytes()
    return repr(tree) if isinstance(tree, int | float | complex | str | slice) else type(tree)
