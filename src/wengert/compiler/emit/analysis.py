"""What is to be known of a kernel before its text is written: widths, what varies along which axis, how it splits."""

from __future__ import annotations

from typing import NamedTuple

from wengert.compiler.emit.ir import Dtype
from wengert.compiler.emit.mathematics import is_called
from wengert.compiler.kernel import REDUCTIONS, Instruction, Kernel, Operand, Stage

__all__ = [
    "Lanes", "Variation", "calls_in", "elements_width", "grain", "jams", "on_rows", "parallelism", "power_above",
    "totals", "variation", "width_for", "width_of",
]  # fmt: skip


WORTH_MORE_TEXT = 1 << 14
"""Elements from which on a faster loop pays for longer compilation."""


class Lanes(NamedTuple):
    """A vector's width, and how many of its lanes, from the first, are part of the iteration."""

    width: int
    active: int


def power_above(n: int) -> int:
    """The smallest power of two that is not below ``n``."""
    return 1 << max(n - 1, 0).bit_length()


def on_rows(kernel: Kernel) -> bool:
    """Whether vectors run along the last row axis: if ``lanes`` says so and no scattered writes need order."""
    if kernel.lanes == "inner" or not kernel.rows:
        return False
    scattered = [
        in_body
        for _, _, in_body, instruction in kernel.numbered()
        if instruction.fn == "scatter" and kernel.operands[instruction.attr[0]].use == "write"
    ]
    return len(scattered) < 2 and not any(scattered)


def width_of(dtype: Dtype, vector_bytes: int) -> int:
    """Two registers' worth of lanes."""
    return 2 * vector_bytes // dtype.itemsize


def width_for(kernel: Kernel, vector_bytes: int) -> int:
    """Lanes of the kernel's vectors: two registers of the widest float, or of the widest integer without floats."""
    dtypes = [instruction.dtype for _, _, _, instruction in kernel.numbered()]
    chosen = [dtype for dtype in dtypes if dtype.kind == "f"] or dtypes
    return min([width_of(dtype, vector_bytes) for dtype in chosen], default=1)


def calls_in(instructions: tuple[Instruction, ...]) -> bool:
    """Whether there are calls of vector functions, which exist at one width."""
    return any([is_called(instruction.fn, instruction.dtype) for instruction in instructions])


class Variation(NamedTuple):
    """The numbers of the instructions whose values differ from lane to lane, and along the inner axis."""

    lane: frozenset[int]
    inner: frozenset[int]


def variation(kernel: Kernel) -> Variation:
    """Find what varies; loads from memory that the kernel writes are taken to vary along the inner axis."""
    rows = on_rows(kernel)
    lane: set[int] = set()
    inner: set[int] = set()
    for number, _, in_body, instruction in kernel.numbered():
        fn, attr = instruction.fn, instruction.attr
        by_lane = not lane.isdisjoint(instruction.args)
        by_inner = in_body and not inner.isdisjoint(instruction.args)
        if fn == "index":
            by_inner = attr == -1
            by_lane = attr == len(kernel.rows) - 1 if rows else by_inner
        elif fn in ("load", "gather"):
            operand = kernel.operands[attr[0]]
            by_inner |= in_body and bool(operand.inner or operand.use != "read")
            by_lane |= bool(operand.rows[-1] if rows else in_body and operand.inner)
        elif fn in ("store", "scatter"):
            by_inner = in_body
        elif fn == "reduce":
            by_inner, by_lane = False, rows and by_lane
        if by_lane:
            lane.add(number)
        if by_inner:
            inner.add(number)
    return Variation(frozenset(lane), frozenset(inner))


def elements_width(kernel: Kernel, stage: Stage, width: int) -> int:
    """The width of a body's loop along the inner axis: reductions in short bodies get twice as many chains."""
    if calls_in(stage.body) or not any([instruction.fn == "reduce" for instruction in stage.body]):
        return width
    work = 0
    for instruction in stage.body:
        if instruction.fn in ("gather", "scatter"):
            return width
        if instruction.fn in ("load", "store") and abs(kernel.operands[instruction.attr[0]].inner) > 1:
            return width
        work += instruction.fn != "constant"
    return 2 * width if work <= 8 and 2 * width <= kernel.inner else width


def totals(kernel: Kernel) -> dict[int, int]:
    """Operands that stay in registers while the last row axes are walked, and the first of these axes."""
    stored: set[int] = set()
    other: set[int] = set()
    for _, _, _, instruction in kernel.numbered():
        if instruction.fn in ("load", "store", "gather", "scatter"):
            (stored if instruction.fn == "store" else other).add(instruction.attr[0])
    found = {}
    for k in sorted(stored - other):
        operand = kernel.operands[k]
        if operand.use in REDUCTIONS and kernel.rows and not operand.inner and not operand.rows[-1]:
            level = len(kernel.rows)
            while level and not operand.rows[level - 1]:
                level -= 1
            found[k] = level
    return found


def abreast(kernel: Kernel, count: int) -> int:
    """How many of ``count`` vectors of rows to work on at once: sums in short bodies would wait for one another."""
    body = [i for stage in kernel.stages for i in stage.body]
    if not any([i.fn == "reduce" for i in body]) or kernel.inner < 8 or len(body) > 12 or calls_in(tuple(body)):
        return 1
    if any([i.fn == "scatter" or (i.fn == "store" and kernel.operands[i.attr[0]].use in REDUCTIONS)
            for stage in kernel.stages for half in stage for i in half]):  # fmt: skip
        return 1
    return 4 if count % 4 == 0 else 2 if count > 1 else 1


def jams(kernel: Kernel, count: int) -> bool:
    """Whether to work on ``count`` rows at once: many rows and a short body, which adds all to the same elements."""
    if not kernel.rows or len(kernel.stages) > 1 or on_rows(kernel):
        return False
    if kernel.rows[-1] < 2 * count or kernel.rows[-1] * kernel.inner < WORTH_MORE_TEXT:
        return False
    if any([operand.use == "scratch" for operand in kernel.operands]):
        return False
    body = kernel.stages[0].body
    if calls_in(body) or len(body) > 8:
        return False
    adds = False
    for instruction in body:
        if instruction.fn in ("gather", "scatter", "reduce"):
            return False
        if instruction.fn == "store":
            operand = kernel.operands[instruction.attr[0]]
            adds |= operand.use in REDUCTIONS and bool(operand.inner) and not operand.rows[-1]
    return adds


def grain(kernel: Kernel, vector_bytes: int) -> int:
    """Ranges of the parallel axis begin at multiples of this, and end there or at the axis' end."""
    if not kernel.rows or (on_rows(kernel) and len(kernel.rows) == 1):
        return width_for(kernel, vector_bytes)
    return 1


def parallelism(kernel: Kernel, own_scratch: bool = False) -> int | None:
    """The extent of the axis whose parts may run at the same time, or ``None`` if they may not.

    ``own_scratch`` says that each part is given memory of its own for operands of use ``"scratch"``.
    """
    if not kernel.rows and len(kernel.stages) > 1:
        return None
    for _, _, in_body, instruction in kernel.numbered():
        if instruction.fn == "scatter":
            return None
        if not kernel.rows and (instruction.fn == "reduce" or (instruction.fn == "store" and not in_body)):
            return None
        if instruction.fn == "store":
            operand = kernel.operands[instruction.attr[0]]
            if operand.use == "scratch" and own_scratch and kernel.rows:
                continue
            if not _separate(kernel, operand):
                return None
    return kernel.rows[0] if kernel.rows else kernel.inner


def _separate(kernel: Kernel, operand: Operand) -> bool:
    """Whether different positions along the parallel axis reach different elements."""
    axes = [(abs(step), extent) for step, extent in zip(operand.rows, kernel.rows, strict=True)]
    axes.append((abs(operand.inner), kernel.inner))
    if axes[0][1] > 1 and not axes[0][0]:
        return False
    reach = 0
    for step, extent in sorted(axes):
        if step and extent > 1:
            if step <= reach:
                return False
            reach += step * (extent - 1)
    return True
