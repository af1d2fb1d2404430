"""Linked programs: the table that runs, and where things are in the memory of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.compiler.native import runtime
from wengert.compiler.program import ALARM, Alarm, ArraySpec, Program

__all__ = ["ALIGNMENT", "FIRST_SLOT", "Linked", "layout", "scratch_start"]

FIRST_SLOT = 2
"""Of the bases, the first is 0, the second the workspace; inputs and outputs follow."""
ALIGNMENT = 64


@dataclass(frozen=True)
class Linked:
    """A program that can run: its table, and the layout of the *frame*, the memory of one run.

    A frame starts with the bases of slots (0, the workspace, inputs, outputs); then come, at these positions in bytes,
    the loops' counters, the arguments of a call, and the workspace. ``nanoseconds`` is a guess at how long a run takes.
    """

    program: Program
    table: np.ndarray[Any, np.dtype[np.int64]] = field(repr=False)
    counters: int
    argv: int
    work: int
    frame: int
    nanoseconds: float = 0.0

    @property
    def outputs_slot(self) -> int:
        """The position, in words, of the first output among the bases."""
        return FIRST_SLOT + len(self.program.inputs)

    def __call__(self, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Run on arrays as the program states them, with new arrays for the outputs.

        Raises ``IndexError`` or ``Alarm``, by the status of the run.
        """
        inputs = [
            _checked(array, spec, i) for i, (array, spec) in enumerate(zip(arrays, self.program.inputs, strict=True))
        ]
        outputs = [np.empty(spec.shape, spec.dtype) for spec in self.program.outputs]
        memory = np.empty(self.frame + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        frame = memory[start : start + self.frame]
        at = frame.ctypes.data
        words = frame[: self.counters].view(np.int64)
        words[:] = [0, at + self.work, *(array.ctypes.data for array in (*inputs, *outputs))]
        status = self.program.status
        place = 0 if status is None else self.work + status
        if status is not None:
            frame[place : place + 4] = 0
        runtime.run_table(self.table.ctypes.data, at, at + self.counters, at + self.argv)
        if status is not None:
            _raise_for(int(frame[place : place + 4].view(np.int32)[0]))
        return outputs


def _raise_for(status: int) -> None:
    if status == ALARM:
        raise Alarm
    if status:
        raise IndexError("A position is out of bounds for the array that is indexed.")


def _checked(array: np.ndarray[Any, Any], spec: ArraySpec, i: int) -> np.ndarray[Any, Any]:
    if array.shape != spec.shape or array.dtype != spec.dtype:
        raise ValueError(f"Input {i}: expected {spec}, got shape {array.shape} and dtype {array.dtype}.")
    return np.require(array, requirements=["C", "A"]).reshape(spec.shape)


def layout(
    program: Program, words: Sequence[int], arguments: int, depth: int = 0, nanoseconds: float = 0.0, scratch: int = 0
) -> Linked:
    """A table and the layout of its frame, for calls of so many arguments and loops of so many levels.

    The workspace is longer by ``scratch`` bytes, from ``scratch_start`` on.
    """
    counters = 8 * (FIRST_SLOT + len(program.inputs) + len(program.outputs))
    argv = counters + 8 * depth
    work = _aligned(argv + 8 * arguments)
    size = scratch_start(program) + scratch if scratch else program.work
    return Linked(program, np.array(words, np.int64), counters, argv, work, work + size, nanoseconds)


def scratch_start(program: Program) -> int:
    """Where in the workspace what is the program's ends."""
    return _aligned(program.work)


def _aligned(position: int) -> int:
    return -(-position // ALIGNMENT) * ALIGNMENT
