"""Programs: what runs natively in one go, as data. Kernels and products of matrices, in order, over planned memory.

A program takes arrays and gives arrays. Memory is named by *slots*: the inputs, the outputs, the constants, and one
workspace for everything in between, laid out in advance. A :class:`Ref` is a place in a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert._types import Shape
from wengert.compiler.kernel import Kernel

__all__ = ["ALARM", "Alarm", "ArraySpec", "Call", "Gemm", "Loop", "Program", "Ref", "Step", "refs_of", "with_refs"]


ALARM = 2
"""What the status of a run is when a watched value has a NaN."""


class Alarm(Exception):
    """A watched value has a NaN: the results are not to be used."""


class ArraySpec(NamedTuple):
    """Shape and dtype of an input or output; these are dense, in C order."""

    shape: Shape
    dtype: np.dtype[Any]


class Ref(NamedTuple):
    """A place in memory: ``slot`` is ``"input"``, ``"output"``, ``"constant"`` or ``"work"``; ``offset`` is in bytes.

    ``index`` says which of the inputs, outputs or constants; ``strides`` are bytes that each enclosing
    :class:`Loop`, the outermost first, adds per round.
    """

    slot: str
    index: int  # type: ignore[assignment]  # likewise
    offset: int = 0
    strides: tuple[int, ...] = ()


class Call(NamedTuple):
    """Run a kernel, with ``refs`` for its operands."""

    kernel: Kernel
    refs: tuple[Ref, ...]


class Gemm(NamedTuple):
    """``c = op(a) @ op(b) (+ c)`` for each of ``count`` matrices: row-major, of float32 or float64.

    ``ta``, ``tb``: the matrix in memory is the transpose of the factor. ``lda``, ``ldb``, ``ldc``: elements from a row
    to the next; ``steps``: elements from one matrix of a batch to the next, for a, b and c.
    """

    dtype: np.dtype[Any]
    m: int
    n: int
    k: int
    a: Ref
    b: Ref
    c: Ref
    lda: int
    ldb: int
    ldc: int
    ta: bool = False
    tb: bool = False
    add: bool = False
    count: int = 1  # type: ignore[assignment]  # hides a method of tuples
    steps: tuple[int, int, int] = (0, 0, 0)


class Loop(NamedTuple):
    """Run ``steps`` ``count`` times; refs move on by their strides from round to round."""

    count: int  # type: ignore[assignment]  # likewise
    steps: tuple[Any, ...]


Step = Call | Gemm | Loop


def refs_of(step: Step) -> Iterator[Ref]:
    """The places that a step works on."""
    if isinstance(step, Call):
        yield from step.refs
    elif isinstance(step, Gemm):
        yield from (step.a, step.b, step.c)
    else:
        for inner in step.steps:
            yield from refs_of(inner)


def with_refs(step: Step, change: Callable[[Ref], Ref]) -> Step:
    """The step at other places."""
    if isinstance(step, Call):
        return Call(step.kernel, tuple([change(ref) for ref in step.refs]))
    if isinstance(step, Gemm):
        return step._replace(a=change(step.a), b=change(step.b), c=change(step.c))
    return Loop(step.count, tuple([with_refs(inner, change) for inner in step.steps]))


@dataclass(frozen=True)
class Program:
    """Steps, and the arrays they work on. ``work`` is the size of the workspace in bytes; what is in it is undefined.

    ``constants`` are arrays whose memory the program reads. ``status`` is the place in the workspace of an ``int32``
    that the run sets to 0 first, and whose value after it says whether something went wrong (1: a position is out of
    bounds; ``ALARM``: a watched value has a NaN); ``None`` if nothing can.
    """

    inputs: tuple[ArraySpec, ...]
    outputs: tuple[ArraySpec, ...]
    constants: tuple[np.ndarray[Any, Any], ...]
    work: int
    steps: tuple[Step, ...]
    status: int | None = None
