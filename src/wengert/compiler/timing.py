"""How long each step of a compiled function takes: its programs, run one step at a time on memory of their own."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from wengert.compiler.executable import Executable
from wengert.compiler.native.linked import ALIGNMENT, Linked
from wengert.compiler.native.table import link
from wengert.compiler.program import ArraySpec, Program, Ref, with_refs

__all__ = ["StepTimer"]

Array = np.ndarray[Any, Any]


class StepTimer:
    """Times the steps of an executable, in the order in which a report on it has them.

    Each step is a program by itself here. What it costs to start one is measured, too, and subtracted.
    """

    def __init__(self, executable: Executable) -> None:
        self._executable = executable
        self._programs = [None if p.program is None else _Split(p.program) for p in executable.pieces]

    def seconds(self, arrays: Sequence[Any]) -> list[float]:
        """Run on ``arrays``, one an input of the executable's graph; the seconds that each step took."""
        known = {x.number: np.asarray(a, x.dtype) for x, a in zip(self._executable.graph.inputs, arrays, strict=True)}
        times: list[float] = []
        for piece, split in zip(self._executable.pieces, self._programs, strict=True):
            given = [known[x.number] for x in piece.inputs]
            if split is None:
                start = perf_counter()
                made = piece.run(given)
                times.append(perf_counter() - start)
            else:
                made, taken = split.run(given)
                times += taken
            known |= {value.number: array for value, array in zip(piece.outputs, made, strict=True)}
        return times


class _Split:
    """A program's steps as programs: outputs and workspace are inputs there, and written to."""

    def __init__(self, program: Program) -> None:
        self._program = program
        memory = np.zeros(program.work + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        self._work = memory[start : start + program.work]
        work = ArraySpec((program.work,), np.dtype(np.uint8))
        inputs = (*program.inputs, *program.outputs, work)
        self._steps: list[Linked] = []
        for steps in ((), *[(with_refs(step, self._moved),) for step in program.steps]):
            self._steps.append(link(Program(inputs, (), program.constants, 0, steps)))

    def run(self, given: Sequence[Array]) -> tuple[list[Array], list[float]]:
        """The outputs, and the seconds of each step."""
        outputs = [np.empty(spec.shape, spec.dtype) for spec in self._program.outputs]
        arrays = [*given, *outputs, self._work]
        empty, *steps = self._steps
        overhead = min([_seconds(empty, arrays) for _ in range(5)])
        return outputs, [max(0.0, _seconds(step, arrays) - overhead) for step in steps]

    def _moved(self, ref: Ref) -> Ref:
        inputs, outputs = len(self._program.inputs), len(self._program.outputs)
        if ref.slot == "output":
            return ref._replace(slot="input", index=inputs + ref.index)
        return ref._replace(slot="input", index=inputs + outputs) if ref.slot == "work" else ref


def _seconds(step: Linked, arrays: Sequence[Array]) -> float:
    start = perf_counter()
    step(arrays)
    return perf_counter() - start
