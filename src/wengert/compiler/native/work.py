"""How much work a kernel is, estimated, and the chunks into which threads share it."""

from __future__ import annotations

import math

from wengert.compiler.emit import grain, parallelism
from wengert.compiler.functions import TRANSCENDENTAL
from wengert.compiler.kernel import Instruction, Kernel

__all__ = ["chunk_of", "nanoseconds"]

_LEAST = 20_000
"""Nanoseconds from which sharing pays."""
_CHUNK = 8_000

_COSTLY = {"div": 0.15, "sqrt": 0.15, "floor_divide": 0.5, "remainder": 0.5, "fmod": 1.0, "gather": 0.5, "scatter": 1.0}


def nanoseconds(kernel: Kernel) -> float:
    """A kernel's running time on one processor, within a factor of a few."""
    rows = math.prod(kernel.rows)
    of_rows = sum(_cost(i) for stage in kernel.stages for i in stage.scalars)
    of_elements = sum(_cost(i) for stage in kernel.stages for i in stage.body)
    if kernel.lanes == "inner":
        of_rows *= 8
    return rows * (of_rows + kernel.inner * of_elements)


def _cost(instruction: Instruction) -> float:
    words = instruction.dtype.itemsize / 4
    if instruction.fn in TRANSCENDENTAL:
        return 0.4 * words
    if instruction.fn in ("load", "store"):
        return 0.05 * words
    return _COSTLY.get(instruction.fn, 0.01) * words


def chunk_of(kernel: Kernel, vector_bytes: int) -> int:
    """How far a chunk goes along the axis that threads share; 0 if they had better not."""
    time = nanoseconds(kernel)
    if time < _LEAST:
        return 0
    extent = parallelism(kernel)
    if extent is None:
        return 0
    step = grain(kernel, vector_bytes)  # results don't depend on where a range was cut
    chunk = -(-max(1, math.ceil(extent * _CHUNK / time)) // step) * step
    return chunk if chunk < extent else 0
