"""One compiled form of a function: for one structure of arguments, and one shape and dtype of each array in them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from inspect import isawaitable
from types import GeneratorType
from typing import Any

import numpy as np

from wengert._types import Tree
from wengert.compiler.backend import executable
from wengert.compiler.captures import Capture, Fixed
from wengert.compiler.guards import Guards, protected
from wengert.compiler.program import Alarm
from wengert.compiler.signature import Call
from wengert.compiler.symbolic import Symbolic
from wengert.compiler.trace import Trace
from wengert.core import modes
from wengert.core.dispatch import Box, core_of
from wengert.core.trees import flatten, is_leaf
from wengert.errors import InputError, OutputError

__all__ = ["Compiled", "Output", "compile_call"]


class Output:
    """Stands for an output of the graph among the leaves of a result; ``weak`` is its type if it is a Python number."""

    __slots__ = ("position", "weak")

    def __init__(self, position: int, weak: type | None) -> None:
        self.position = position
        self.weak = weak

    def finish(self, x: Any) -> Any:
        """The leaf: an array of the caller's own, or a number."""
        if isinstance(x, Box):
            return x
        if self.weak is not None:
            return self.weak(x)
        return x if isinstance(x, np.generic) else x[()] if x.ndim == 0 else x


class Compiled:
    """What calls of one signature run.

    ``graph`` has an input for each traced leaf of the arguments, then one for each of ``captures``; its last
    ``watched`` outputs are watched for NaN. ``results`` has, for each leaf of the result, its :class:`Output`, or the
    leaf itself where it is the same at every call; ``build`` makes the result of the leaves. ``guards`` and ``fixed``
    are what must be unchanged. ``careful`` is a form that tells unselected elements apart, made when one was needed.
    """

    def __init__(
        self,
        trace: Trace,
        results: Sequence[Any],
        build: Callable[[list[Any]], Tree] | None,
        guards: Guards,
        fixed: Sequence[Fixed],
        donated: Sequence[int] = (),
    ) -> None:
        self.graph = trace.graph
        self.captures: list[Capture] = trace.captures
        self.results = results
        self.build = build
        self.watched = len(trace.watched)
        self.guards = guards
        self.fixed = fixed
        self.made_constants = trace.made_constants
        self.donated = self._matched(donated)
        """For outputs that are written to memory of arguments: their positions, and the inputs that these are."""
        self.run = executable(trace.graph, self.watched, self.donated)
        self.program: Any = None
        self.misses = self.skip = 0
        self.careful: Compiled | None = None
        self.has_failed = False
        self.entry: Any = None
        """The native entry that answers calls; ``None`` if it has yet to be made, ``False`` if there is none."""
        self.replaced: Any = None
        self.renewals = 0

    def _matched(self, donated: Sequence[int]) -> dict[int, int]:
        """Each donated input with the first output of its shape and dtype that has no other."""
        found: dict[int, int] = {}
        numbers = [y.number for y in self.graph.outputs]
        positions = [r.position for r in self.results if type(r) is Output]
        for i in donated:
            x = self.graph.inputs[i]
            for k in positions:
                y = self.graph.outputs[k]
                alone = y.prim != "input" and numbers.count(y.number) == 1
                if k not in found and alone and x.ndim and (y.shape, y.dtype) == (x.shape, x.dtype):
                    found[k] = i
                    break
        return found

    def holds(self) -> bool:
        """Whether what was compiled is what would be compiled now."""
        if not self.guards.hold():
            if not self.guards.renewed(self.captures, self.made_constants):
                return False
            self.renew()
        return not self.fixed or all([f.holds() for f in self.fixed])

    def renew(self) -> None:
        """Other arrays and objects have taken the place of some that were captured or guarded."""
        self.careful = None
        self.renewals += 1
        self.entry = None if self.renewals < _RENEWALS else False

    def __call__(self, arrays: Sequence[Any]) -> Any:
        """The result for the traced leaves, plain arrays; ``NotImplemented`` if the careful computation is asked for.

        That is where a watched derivative has a NaN. After three times in a row most calls don't try any more.
        """
        if self.skip:
            self.skip -= 1
            return NotImplemented
        for i in self.donated.values():
            _check_donated(arrays[i])
        try:
            outputs = self.run([*arrays, *[c.array for c in self.captures]])
        except Alarm:
            self.misses += 1
            self.skip = 0 if self.misses < _PATIENCE else _PAUSE
            return NotImplemented
        self.misses = 0
        for k, i in self.donated.items():
            if outputs[k] is not arrays[i]:
                arrays[i][...] = outputs[k]
                outputs[k] = arrays[i]
        return self.result(outputs)

    def result(self, outputs: Sequence[Any]) -> Any:
        """The function's result, of the graph's outputs."""
        if self.build is None:
            return None
        return self.build([r.finish(outputs[r.position]) if type(r) is Output else _copied(r) for r in self.results])


_PATIENCE, _PAUSE = 3, 63
_RENEWALS = 16
"""Times that captured arrays have been replaced from which on no further native entry is made."""
_SMALL = 1 << 12
"""Bytes up to which an array that a name stands for, and that the graph does not read, is compared at each call."""


def _check_donated(x: Any) -> None:
    if not x.flags.writeable or not x.flags.c_contiguous:
        what = "can't be written to" if not x.flags.writeable else "is not contiguous"
        raise InputError(
            f"wg.jit: an array of shape {x.shape} in a donated argument {what}. Donate a copy, x.copy(), or leave "
            "the argument out of donate_argnums."
        )


def _copied(x: Any) -> Any:
    return x.copy() if type(x) is np.ndarray else x


def compile_call(f: Callable[..., Any], call: Call, masked: bool = False, donated: Sequence[int] = ()) -> Compiled:
    """Trace ``f`` for the arguments of ``call``; ``donated`` are positions of arguments."""
    guards = Guards(f)
    trace = Trace(masked)
    with protected(guards, call.leaves) as found, trace.open():
        boxes = [trace.input(x, w) for x, w in zip(map(_example, call.arrays), call.weak, strict=True)]
        args, kwargs = call.rebuild(boxes)
        results, build = _results(f, trace, f(*args, **kwargs))
        del boxes, args, kwargs
        trace.graph.outputs += trace.watched
        trace.close()
    guards.settle()
    fixed = trace.fixed
    for x in found:  # what constants were computed from may be an array that the graph does not read
        if (trace.made_constants or x.nbytes <= _SMALL) and not any([_shares(c.array, x) for c in trace.captures]):
            fixed.append(Fixed(x))
    if modes.debugging():
        trace.graph.validate()
    return Compiled(trace, results, build, guards, fixed, call.inputs_of(donated) if donated else ())


def _example(x: Any) -> Any:
    """The plain array in an argument."""
    while isinstance(x, Box):
        x = x._current()._inner
    return x


def _shares(x: Any, y: np.ndarray[Any, Any]) -> bool:
    return isinstance(x, np.ndarray) and bool(np.may_share_memory(x, y))


def _results(f: Callable[..., Any], trace: Trace, out: Any) -> tuple[list[Any], Callable[[list[Any]], Tree] | None]:
    """The leaves of what the function returned, those that were traced as outputs of the graph."""
    if out is None:
        return [], None
    if isinstance(out, GeneratorType) or isawaitable(out):
        with contextlib.suppress(Exception):
            out.close()  # type: ignore[union-attr]
        raise OutputError(
            f"wg.jit: the function returned a {type(out).__name__}, whose code runs later. Return arrays, for example "
            "in a list."
        )
    found, build = flatten(out)
    results: list[Any] = []
    for y in found:
        y = core_of(y._current()) if isinstance(y, Box) else y
        if isinstance(y, Box) and y._level < trace.level and not trace.is_made_here(y):
            y = trace.lift(y)
        while isinstance(y, Box) and not y._symbolic:
            y = core_of(y._bare())
        if type(y) is np.ndarray:
            y = trace.lift(y)
        if isinstance(y, Symbolic):
            y = trace.lift(y)._current()
            results.append(Output(len(trace.graph.outputs), y._weak))
            trace.graph.outputs.append(y._inner)
        elif is_leaf(y) or _is_immutable(y):
            results.append(y)
        else:
            raise OutputError(
                f"wg.jit: the function returned a {type(y).__name__}, the same one for every call to come. Return "
                "arrays, numbers or strings, in dicts, lists, tuples or dataclasses."
            )
    return results, build


def _is_immutable(y: Any) -> bool:
    if y is None or isinstance(y, str | bytes | int | float | complex | type | np.dtype):
        return True
    return isinstance(y, slice | frozenset | type(Ellipsis)) or callable(y)
