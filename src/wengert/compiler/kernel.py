"""Kernels: what the compiler turns into one native function, a loop over rows with inner loops over their elements.

A kernel walks an iteration space of *row axes* and one *inner axis*. In each row it runs its *stages*, one after the
other: first instructions whose values belong to the whole row (``scalars``), then a loop over the inner axis
(``body``). A reduction in a body becomes a value of the row, which later stages use: a softmax is a kernel of three
stages. Values that do not change along the inner axis are scalars; all others belong to a body and are not visible to
other stages, unless they are stored and loaded again.

Memory is reached through *operands*: a pointer that the caller gives, and the step, in elements, that each axis adds to
it. A step of 0 repeats an element along an axis. ``lanes`` says what a vector runs along: the inner axis, or the last
row axis (then a row is as wide as a vector, and reductions need no sum across it).

Instructions name what they use by number: the position of an earlier instruction in the kernel, counted through the
stages in order, scalars before body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from wengert._types import Shape

__all__ = ["REDUCTIONS", "Instruction", "Kernel", "Lanes", "Operand", "Stage", "identity_of"]

Dtype = np.dtype[Any]
Lanes = Literal["inner", "rows"]

REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")
"""How a reduction combines values. ``max`` and ``min`` give NaN if there is one, as NumPy's do."""


class Operand(NamedTuple):
    """Memory that a kernel reads or writes: steps in elements along the row axes and along the inner axis.

    ``use`` is ``"read"``, ``"write"``, ``"scratch"`` (both; memory for a row, that nobody else sees), or one of
    ``REDUCTIONS``: what is stored is combined with what is there, which the caller has initialised.
    """

    dtype: Dtype
    rows: tuple[int, ...]
    inner: int
    use: str = "read"


class Instruction(NamedTuple):
    """One step on an element or on a row.

    ``fn`` is the name of a scalar function (see ``wengert.compiler.functions``) or one of

    ===========  ========================  ===================================================================
    ``fn``       ``attr``                  meaning
    ===========  ========================  ===================================================================
    constant     a number                  it
    index        an axis                   the position along row axis ``attr``, or along the inner axis (-1),
                                           as ``int64``
    load         (operand,)                the element of the operand at this place of the iteration
    gather       (operand, status,         the element at this place plus ``sum(args[k] * steps[k])``; ``args`` are
                 steps, extents)           ``int64`` positions, negative ones counted from the end; one outside its
                                           extent sets ``status[0]`` (an ``int32`` operand) to 1 and reads element 0
    store        (operand,)                write (or combine, by the operand's ``use``) ``args[0]``; no value
    scatter      (operand, status,         the same for ``args[0]`` at the positions ``args[1:]``, in order of the
                 steps, extents)           iteration; outside its extent nothing is written
    reduce       a kind                    in a body: ``args[0]`` combined along the inner axis, a value of the row
    ===========  ========================  ===================================================================
    """

    fn: str
    args: tuple[int, ...]
    dtype: Dtype
    attr: Any = None


class Stage(NamedTuple):
    """Instructions on the row, then instructions on each of its elements; either may be empty."""

    scalars: tuple[Instruction, ...]
    body: tuple[Instruction, ...]


@dataclass(frozen=True)
class Kernel:
    """A loop nest. Two kernels that are equal are compiled once.

    ``rows`` are the extents of the row axes, outermost first (none: one row), ``inner`` that of the inner axis.
    """

    rows: Shape
    inner: int
    operands: tuple[Operand, ...]
    stages: tuple[Stage, ...]
    lanes: Lanes = "inner"

    def numbered(self) -> Iterator[tuple[int, int, bool, Instruction]]:
        """Each instruction as ``(number, stage, whether it is in the body, instruction)``, in order."""
        number = 0
        for s, stage in enumerate(self.stages):
            for in_body, block in ((False, stage.scalars), (True, stage.body)):
                for instruction in block:
                    yield number, s, in_body, instruction
                    number += 1

    def validate(self) -> None:
        """Raise ``ValueError`` if an instruction uses what is not there: a mistake of the compiler's."""
        made: dict[int, tuple[int, bool, Instruction]] = {}
        for number, stage, in_body, instruction in self.numbered():
            for arg in instruction.args:
                if arg not in made:
                    raise _wrong(number, instruction, f"uses {arg}, which comes later.")
                made_in, made_in_body, source = made[arg]
                if source.fn in ("store", "scatter"):
                    raise _wrong(number, instruction, f"uses {arg}, which has no value.")
                of_row = not made_in_body or source.fn == "reduce"
                if not of_row and (made_in != stage or not in_body):
                    raise _wrong(number, instruction, f"uses {arg}, a value of another stage's elements.")
                if source.fn == "reduce" and made_in == stage:
                    raise _wrong(number, instruction, f"uses {arg}, a reduction that is not complete.")
            if instruction.fn in ("load", "store", "gather", "scatter"):
                operand = self.operands[instruction.attr[0]]
                if len(operand.rows) != len(self.rows):
                    raise _wrong(number, instruction, f"operand {operand} has {len(operand.rows)} row axes.")
                if operand.dtype != instruction.dtype:
                    raise _wrong(number, instruction, f"operand {operand} has another dtype.")
                if not in_body and operand.inner and instruction.fn in ("load", "store"):
                    raise _wrong(number, instruction, "an operand of elements, used on the row.")
            if instruction.fn == "reduce" and (not in_body or instruction.attr not in REDUCTIONS):
                raise _wrong(number, instruction, "reductions of known kinds belong in a body.")
            made[number] = stage, in_body, instruction


def _wrong(number: int, instruction: Instruction, problem: str) -> ValueError:
    return ValueError(f"Kernel instruction {number}, {instruction}: {problem}")


def identity_of(kind: str, dtype: Dtype) -> Any:
    """What a reduction starts from, as a NumPy scalar of ``dtype``.

    >>> import numpy as np
    >>> identity_of("max", np.dtype(float)), identity_of("min", np.dtype(np.int8))
    (np.float64(-inf), np.int8(127))
    """
    if kind in ("sum", "any"):
        return dtype.type(0)
    if kind in ("prod", "all"):
        return dtype.type(1)
    if dtype.kind == "f":
        return dtype.type(-np.inf if kind == "max" else np.inf)
    if dtype.kind == "b":
        return dtype.type(kind == "min")
    info = np.iinfo(dtype)
    return dtype.type(info.min if kind == "max" else info.max)
