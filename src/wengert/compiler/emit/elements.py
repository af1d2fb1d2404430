"""A stage's body as loops along the inner axis, with its reductions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wengert.compiler.emit.analysis import Lanes, power_above, width_of
from wengert.compiler.emit.instructions import Frame, Instructions, position_args
from wengert.compiler.emit.ir import BYTE, Dtype, Value
from wengert.compiler.emit.mathematics import cast, combine
from wengert.compiler.emit.reductions import Accumulator, fold, identity, masked
from wengert.compiler.kernel import REDUCTIONS, Instruction

__all__ = ["Elements", "Numbered", "below"]

SHORT = 128
BLOCK = 32
"""A lane adds up to ``SHORT`` terms in one go. If there are more, each ``BLOCK`` of them is put away, with its rounding
errors."""

_OF_BOOLEANS = {"sum": "any", "max": "any", "any": "any", "prod": "all", "min": "all", "all": "all"}
"""Reductions of booleans, which are carried as bytes: there are no registers for vectors of bits everywhere."""

Numbered = tuple[int, Instruction]


class _Term(NamedTuple):
    """A reduction in a body: of a value, into a value of the row or into an operand, both of dtype ``result``."""

    kind: str
    dtype: Dtype
    result: Dtype
    arg: int
    frame: Frame
    number: int | None
    operand: int | None


class Elements:
    """The body of a stage in one or, at the same time, several rows (``frames``)."""

    def __init__(self, code: Instructions, body: Sequence[Numbered], frames: Sequence[Frame], lanes: Lanes) -> None:
        self.code, self.frames, self.lanes = code, frames, lanes
        self.builder, self.kernel, self.on_rows = code.builder, code.kernel, code.on_rows
        self.body = body
        self.terms: list[_Term] = []
        self.rounds: list[Numbered] = []
        self.shared: list[Numbered] = []

    def write(self, width: int, calls: bool, ranged: bool) -> None:
        """The loop. ``width`` is that of its vectors; ``ranged``: it is part of the inner axis that is asked for."""
        self.sort()
        extent = self.kernel.inner
        if not extent:
            for term in self.terms:
                self.finish(term, identity(term.kind, term.dtype, 1))
            return
        self.prepare(self.lanes.width if self.on_rows else width)
        if self.on_rows:
            results = self.iterate(extent, 1, self.lanes)
            for term, value in zip(self.terms, results, strict=True):
                self.finish(term, value)
            return
        full, rest = extent // width * width, extent % width
        narrow = Lanes(width if calls and rest > 1 else power_above(rest), rest)
        if ranged:
            self.part(full, Lanes(width, width), narrow)
            return
        results = self.iterate(full, width, Lanes(width, width)) if full else []
        if rest:
            starts = [identity(term.kind, term.dtype, narrow.width) for term in self.terms]
            last = self.round(starts, str(full), narrow)
            results = [self.joined(*three) for three in zip(self.terms, last, results, strict=True)] if full else last
        for term, value in zip(self.terms, results, strict=True):
            self.finish(term, fold(self.builder, term.kind, value))

    def part(self, full: int, lanes: Lanes, narrow: Lanes) -> None:
        """Those elements that lie from ``%begin`` to ``%end``. What is left after whole vectors comes with the last."""
        builder, rest = self.builder, narrow.active
        if full:
            end = below("%end", full, rest, builder.new)
            builder.loop("%begin", end, lanes.width, [], lambda c, _: self.round([], c, lanes), guard=bool(rest))
        if rest and full:
            builder.when(builder.new(f"icmp sgt i64 %end, {full}"), [], lambda: self.round([], str(full), narrow))
        elif rest:
            self.round([], "0", narrow)

    def sort(self) -> None:
        """Tell reductions, what changes from element to element, and what is added up over the rows at hand."""
        for number, instruction in self.body:
            fn, varies = instruction.fn, number in self.code.varies.inner
            operand = self.kernel.operands[instruction.attr[0]] if fn == "store" else None
            if fn == "reduce" or (operand and operand.use in REDUCTIONS and not operand.inner):
                kind = operand.use if operand else instruction.attr
                target = (None, instruction.attr[0]) if operand else (number, None)
                result, arg = instruction.dtype, instruction.args[0]
                kind, dtype = (_OF_BOOLEANS[kind], BYTE) if result.kind == "b" else (kind, result)
                self.terms += [_Term(kind, dtype, result, arg, frame, *target) for frame in self.frames]
            elif operand and operand.use in REDUCTIONS and len(self.frames) > 1 and not operand.rows[-1]:
                self.shared.append((number, instruction))
            elif varies:
                self.rounds.append((number, instruction))

    def prepare(self, width: int) -> None:
        """Do what is the same for all elements, and have numbers of the row ready in vectors."""
        varies = self.code.varies
        for frame in self.frames:
            for number, instruction in self.body:
                if number not in varies.inner and instruction.fn != "reduce":
                    self.code.write(number, instruction, frame, None, self.lanes)
                elif instruction.fn in ("gather", "scatter"):
                    if varies.inner.isdisjoint(position_args(instruction)):
                        frame.positioned[number] = self.code.locate(instruction, frame, self.lanes)
                elif number in varies.lane or instruction.fn in ("store", "reduce"):
                    for arg in instruction.args:
                        if arg not in varies.inner:
                            self.builder.at(frame.env[arg], width)

    def finish(self, term: _Term, value: Value) -> None:
        """A reduction is complete."""
        value = cast(self.builder, value, term.result)
        if term.number is not None:
            term.frame.env[term.number] = value
        elif term.operand is not None:
            self.code.put(term.operand, value, term.frame, None, self.lanes)

    def joined(self, term: _Term, a: Value, b: Value) -> Value:
        """Two partial results as one."""
        width = min(a.width, b.width)
        halves = [fold(self.builder, term.kind, value, width) for value in (a, b)]
        return combine(self.builder, term.kind, *halves)

    def iterate(self, extent: int, step: int, lanes: Lanes) -> list[Value]:
        """Rounds over whole vectors, and what the reductions gave."""
        builder, terms = self.builder, self.terms
        widths = [lanes.width if not self.on_rows or term.arg in self.code.varies.lane else 1 for term in terms]
        starts = [identity(term.kind, term.dtype, width) for term, width in zip(terms, widths, strict=True)]
        exact = [term.kind == "sum" and term.dtype.kind == "f" for term in terms]
        if extent <= SHORT * step or not any(exact):
            return builder.loop(0, extent, step, starts, lambda c, values: self.round(values, c, lanes))
        keeps = [
            Accumulator(term.kind, term.dtype, self.kept_width(term, width) if wide else width)
            for term, width, wide in zip(terms, widths, exact, strict=True)
        ]
        block = BLOCK * step

        def outer(c: str, carried: list[Value]) -> list[Value]:
            states = _split(keeps, carried)
            first = [start if wide else state[0] for start, wide, state in zip(starts, exact, states, strict=True)]
            end = builder.new(f"add nuw nsw i64 {c}, {block}")
            if extent % block:
                end = below(end, extent, 1, builder.new)
            values = builder.loop(c, end, step, first, lambda c, values: self.round(values, c, lanes))
            new = []
            for keep, state, value, wide in zip(keeps, states, values, exact, strict=True):
                new += keep.add(builder, state, fold(builder, "sum", value, keep.width)) if wide else [value]
            return new

        last = builder.loop(0, extent, block, [value for keep in keeps for value in keep.initial()], outer)
        return [
            keep.result(builder, state, keep.width if self.on_rows else 1) if wide else state[0]
            for keep, state, wide in zip(keeps, _split(keeps, last), exact, strict=True)
        ]

    def kept_width(self, term: _Term, width: int) -> int:
        """How many lanes the sums of blocks keep: a register's, if they are to be added up in the end."""
        return width if self.on_rows else min(width, width_of(term.dtype, self.code.vector_bytes) // 2)

    def round(self, values: Sequence[Value], c: str, lanes: Lanes) -> list[Value]:
        """The instructions on a vector of elements, and the reductions with these in them."""
        for frame in self.frames:
            for number, instruction in self.rounds:
                self.code.write(number, instruction, frame, c, lanes)
        for _, instruction in self.shared:
            self.share(instruction, c, lanes)
        results = []
        for term, before in zip(self.terms, values, strict=True):
            given = cast(self.builder, term.frame.env[term.arg], term.dtype)
            value = Value(term.dtype, before.width, self.builder.at(given, before.width))
            if not self.on_rows:
                value = masked(self.builder, term.kind, value, lanes.active)
            results.append(value if before.fixed else combine(self.builder, term.kind, value, before))
        return results

    def share(self, instruction: Instruction, c: str, lanes: Lanes) -> None:
        """Combine what the rows store at the same place, and store that."""
        k, (arg,) = instruction.attr[0], instruction.args
        values = [frame.env[arg] for frame in self.frames]
        values = [Value(value.dtype, lanes.width, self.builder.at(value, lanes.width)) for value in values]
        while len(values) > 1:
            pairs = zip(values[1::2], values[::2], strict=True)
            values = [combine(self.builder, self.kernel.operands[k].use, a, b) for a, b in pairs]
        self.code.put(k, values[0], self.frames[0], c, lanes)


def below(end: str, full: int, rest: int, new: Callable[[str], str]) -> str:
    """Where a loop over whole vectors ends: at ``end``, but not after ``full``."""
    if not rest:
        return end
    return new(f"select i1 {new(f'icmp slt i64 {end}, {full}')}, i64 {end}, i64 {full}")


def _split(keeps: Sequence[Accumulator], values: Sequence[Value]) -> list[list[Value]]:
    rest, parts = list(values), []
    for keep in keeps:
        count = len(keep.initial())
        parts.append(rest[:count])
        rest = rest[count:]
    return parts
