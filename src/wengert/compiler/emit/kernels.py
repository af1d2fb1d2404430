"""A kernel's loops as LLVM IR.

The function is ``void name(ptr argv, i64 begin, i64 end)``: pointers to the operands, and the part to run of the first
row axis or, without rows, of the inner axis. Parts meet at multiples of ``grain``; without rows, a kernel that
``parallelism`` says not to split runs as a whole whatever the part. Operands may share memory if they are only read, or
if each element is read, for the last time, where it is written: with equal steps and from the same place. What is known
of the extents is in the text, so a loop's remainder is straight code whose masks are literals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wengert.compiler.emit import memory
from wengert.compiler.emit.analysis import (
    Lanes,
    abreast,
    calls_in,
    elements_width,
    jams,
    parallelism,
    power_above,
    totals,
    width_for,
)
from wengert.compiler.emit.elements import Elements, Numbered, below
from wengert.compiler.emit.instructions import Frame, Instructions
from wengert.compiler.emit.ir import Value
from wengert.compiler.emit.mathematics import VectorFunction
from wengert.compiler.emit.reductions import Accumulator
from wengert.compiler.kernel import Kernel

__all__ = ["KernelCode", "emit"]

TOGETHER = 4
"""Rows that are worked on at the same time where all are added to the same elements."""


class KernelCode(NamedTuple):
    """A function's text, and what a module with it has to declare and link: equal kernels give equal code."""

    text: str
    declarations: tuple[str, ...]
    vecmath: tuple[VectorFunction, ...]


def emit(kernel: Kernel, name: str, vector_bytes: int) -> KernelCode:
    """The code of a kernel, for registers of ``vector_bytes``; ``ValueError`` if the kernel is none.

    >>> import numpy as np
    >>> from wengert.compiler.kernel import Instruction, Operand, Stage
    >>> f8 = np.dtype(float)
    >>> body = (
    ...     Instruction("load", (), f8, (0,)), Instruction("exp", (0,), f8), Instruction("store", (1,), f8, (1,))
    ... )
    >>> code = emit(Kernel((), 100, (Operand(f8, (), 1), Operand(f8, (), 1, "write")), (Stage((), body),)), "k", 32)
    >>> code.text.splitlines()[0]
    'define void @k(ptr %argv, i64 %begin, i64 %end) nounwind {'
    >>> [function.symbol for function in code.vecmath]
    ['wg_exp_v8f64']
    """
    kernel.validate()
    return _Emitter(kernel, vector_bytes).text(name)


class _Emitter:
    """Walks the rows."""

    def __init__(self, kernel: Kernel, vector_bytes: int) -> None:
        self.kernel, self.rows = kernel, kernel.rows
        self.code = Instructions(kernel, vector_bytes)
        self.builder, self.on_rows = self.code.builder, self.code.on_rows
        self.whole = not kernel.rows and parallelism(kernel) is None
        self.width = width_for(kernel, vector_bytes)
        if self.on_rows and not any([calls_in(stage.scalars + stage.body) for stage in kernel.stages]):
            self.width = min(self.width, power_above(kernel.rows[-1]))
        self.blocks_of: list[tuple[list[Numbered], list[Numbered]]] = [([], []) for _ in kernel.stages]
        used = set()
        for number, stage, in_body, instruction in kernel.numbered():
            self.blocks_of[stage][in_body].append((number, instruction))
            if instruction.fn in ("load", "store", "gather", "scatter"):
                used.update(instruction.attr[: 1 if instruction.fn in ("load", "store") else 2])
        self.used = sorted(used)
        self.levels = totals(kernel)
        for k in self.levels:
            operand = kernel.operands[k]
            self.code.totals[k] = Accumulator(operand.use, operand.dtype, self.width if self.on_rows else 1)

    def text(self, name: str) -> KernelCode:
        builder = self.builder
        for k in self.used:
            place = "%argv" if not k else builder.new(f"getelementptr ptr, ptr %argv, i64 {k}")
            builder.put(f"%p{k} = load ptr, ptr {place}, align 8")
        if 0 not in self.rows:
            if self.whole:
                self.axis(())
            else:
                self.choice("slt i64 %begin, %end", lambda: self.axis(()))
        head = f"define void @{name}(ptr %argv, i64 %begin, i64 %end) nounwind {{\nentry:\n"
        text = head + "\n".join(builder.lines) + "\n  ret void\n}\n"
        calls = sorted(self.code.calls, key=lambda function: function.symbol)
        return KernelCode(text, tuple(sorted(builder.declarations)), tuple(calls))

    def axis(self, indices: tuple[str, ...]) -> None:
        """Walk the row axes that have no index yet."""
        axis, last = len(indices), len(self.rows) - 1
        states = self.code.states
        opening = [k for k, level in self.levels.items() if level == axis]
        for k in opening:
            states[k] = self.code.totals[k].initial()
        if axis > last:
            self.row([indices], Lanes(1, 1))
        elif self.on_rows and axis == last:
            self.vectors(indices)
        elif self.rows[axis] == 1:
            self.axis((*indices, "0"))
        elif axis == last and jams(self.kernel, TOGETHER):
            self.together(indices)
        else:
            self.loop(*self.range(axis), 1, lambda index: self.axis((*indices, index)))
        for k in opening:
            accumulator = self.code.totals[k]
            value = accumulator.result(self.builder, states.pop(k))
            memory.store(self.builder, value, self.code.place(k, indices), 0, Lanes(1, 1), accumulator.kind)

    def range(self, axis: int) -> tuple[int | str, int | str]:
        return ("%begin", "%end") if axis == 0 else (0, self.rows[axis])

    def vectors(self, indices: tuple[str, ...]) -> None:
        """Walk the last row axis by vectors."""
        axis, width = len(indices), self.width
        full, rest = self.rows[axis] // width * width, self.rows[axis] % width
        begin, end = self.range(axis)
        if full:
            stop = full if isinstance(end, int) else below(end, full, rest, self.builder.new)
            whole, several = Lanes(width, width), abreast(self.kernel, full // width)
            guard = bool(rest) and not axis
            if several > 1:
                span = several * width
                length = stop if begin == 0 else self.builder.new(f"sub i64 {stop}, {begin}")
                middle: int | str
                if isinstance(length, int):
                    middle = length // span * span
                else:
                    middle = self.builder.new(f"add i64 {begin}, {self.builder.new(f'and i64 {length}, -{span}')}")

                def together(index: str) -> None:
                    each = [index, *[self.builder.new(f"add i64 {index}, {i * width}") for i in range(1, several)]]
                    self.row([(*indices, one) for one in each], whole)

                self.loop(begin, middle, span, together, guard=not axis)
                begin, guard = middle, True
            if several == 1 or begin != stop:
                self.loop(begin, stop, width, lambda index: self.row([(*indices, index)], whole), guard)
        if rest:

            def run() -> None:
                self.row([(*indices, str(full))], Lanes(width, rest))

            if full and not axis:
                self.choice(f"sgt i64 %end, {full}", run)
            else:
                run()

    def together(self, indices: tuple[str, ...]) -> None:
        """Walk the last row axis by several rows at once, which all add to the same elements."""
        axis = len(indices)
        begin, end = self.range(axis)
        if isinstance(begin, str) or isinstance(end, str):
            count = self.builder.new(f"sub i64 {end}, {begin}")
            middle: int | str = self.builder.new(
                f"add i64 {begin}, {self.builder.new(f'and i64 {count}, -{TOGETHER}')}"
            )
        else:
            middle = end // TOGETHER * TOGETHER

        def several(index: str) -> None:
            each = [index, *[self.builder.new(f"add i64 {index}, {i}") for i in range(1, TOGETHER)]]
            self.row([(*indices, one) for one in each], Lanes(1, 1))

        self.loop(begin, middle, TOGETHER, several, guard=not axis)
        self.loop(middle, end, 1, lambda index: self.row([(*indices, index)], Lanes(1, 1)), guard=not axis)

    def row(self, each: Sequence[tuple[str, ...]], lanes: Lanes) -> None:
        """All stages of a row, of some rows, or of a vector of rows."""
        frames = [Frame(indices, places={k: self.code.place(k, indices) for k in self.used}) for indices in each]
        for (scalars, body), stage in zip(self.blocks_of, self.kernel.stages, strict=True):
            for frame in frames:
                for number, instruction in scalars:
                    self.code.write(number, instruction, frame, None, lanes)
            if body:
                width = elements_width(self.kernel, stage, self.width)
                ranged = not self.rows and not self.whole
                Elements(self.code, body, frames, lanes).write(width, calls_in(stage.body), ranged)

    def loop(
        self, begin: int | str, end: int | str, step: int, run: Callable[[str], None], guard: bool = False
    ) -> None:
        """A loop over rows: totals go from round to round."""
        keys = list(self.code.states)

        def body(index: str, values: list[Value]) -> list[Value]:
            self.restore(keys, values)
            run(index)
            return self.flat(keys)

        self.restore(keys, self.builder.loop(begin, end, step, self.flat(keys), body, guard))

    def choice(self, condition: str, run: Callable[[], None]) -> None:
        """What is done only if a comparison holds."""
        keys = list(self.code.states)

        def body() -> list[Value]:
            run()
            return self.flat(keys)

        self.restore(keys, self.builder.when(self.builder.new(f"icmp {condition}"), self.flat(keys), body))

    def flat(self, keys: Sequence[int]) -> list[Value]:
        return [value for k in keys for value in self.code.states[k]]

    def restore(self, keys: Sequence[int], values: Sequence[Value]) -> None:
        rest = list(values)
        for k in keys:
            count = len(self.code.states[k])
            self.code.states[k], rest = rest[:count], rest[count:]
