"""What runs a graph: a native program where that works, NumPy operation by operation where it does not."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.compiler.executable import Executable, compiled
from wengert.compiler.graph import Graph
from wengert.compiler.native.entry import FAILED_RUN, In, Out, make_entry
from wengert.compiler.native.selftest import available
from wengert.compiler.native.table import link
from wengert.compiler.plan import NOTHING
from wengert.compiler.program import Alarm, Program
from wengert.compiler.replay import replay

__all__ = ["Native", "Replay", "executable"]

_told = False


class Replay:
    """Computes the outputs of a graph with NumPy.

    A NaN in the last ``watched``, which are kept back, is an ``Alarm``.
    """

    def __init__(self, graph: Graph, watched: int) -> None:
        self.graph = graph
        self.watched = watched

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """The outputs, for one array an input."""
        outputs = replay(self.graph, arrays)
        if not self.watched:
            return outputs
        for x in outputs[-self.watched :]:
            if x.dtype.kind in "fc" and bool(np.isnan(x).any()):
                raise Alarm
        return outputs[: -self.watched]


class Native:
    """A linked program, run on arrays by way of the native entry where they are as it wants them."""

    def __init__(self, program: Program) -> None:
        self.linked = link(program)
        arguments = [In(i) for i in range(len(program.inputs))]
        self._entry = make_entry(self.linked, arguments, [Out(i) for i in range(len(program.outputs))])

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """The outputs; raises ``IndexError`` or ``Alarm`` as the program's status says."""
        made: Any = self._entry(*arrays)
        if made is NotImplemented or made is FAILED_RUN:
            made = self.linked([np.asarray(x) for x in arrays])
        outputs: Sequence[Any] = made
        return outputs


def executable(graph: Graph, watched: int = 0, donated: Mapping[int, int] = NOTHING) -> Executable | Replay:
    """What computes the outputs of a traced graph; its last ``watched`` ones are watched for NaN.

    Those in ``donated`` may be left in the memory of inputs.
    Where native code can't run, there is one warning, and NumPy does the same, slower.
    """
    reason = why_not_native()
    if reason is not None:
        return Replay(graph, watched)
    return compiled(graph, Native, watched, donated)


def why_not_native() -> str | None:
    """Why native code can't run here, or ``None`` if it can. Warns the first time that it can't."""
    global _told
    reason = available()
    if reason is not None and not _told:
        _told = True
        warnings.warn(
            f"wg.jit can't run native code here: {reason}. NumPy computes jitted functions, with the same results.",
            RuntimeWarning,
            stacklevel=6,
        )
    return reason
