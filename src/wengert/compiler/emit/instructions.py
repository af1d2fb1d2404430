"""Single instructions of a kernel as LLVM IR: at a row, or at elements of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wengert.compiler.emit import memory
from wengert.compiler.emit.analysis import Lanes, on_rows, variation, width_of
from wengert.compiler.emit.ir import INT64, Builder, Value, constant, type_of
from wengert.compiler.emit.mathematics import VectorFunction, compute
from wengert.compiler.emit.reductions import Accumulator, masked
from wengert.compiler.kernel import Instruction, Kernel

__all__ = ["Frame", "Instructions", "position_args"]


@dataclass
class Frame:
    """A row that is being worked on, or a vector of rows.

    ``env`` has the values by number, ``places`` where operands are, ``positioned`` where gathers and scatters lead
    whose positions are the same for all elements, and whether they are within.
    """

    indices: tuple[str, ...]
    env: dict[int, Value] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)
    positioned: dict[int, tuple[Value, Value]] = field(default_factory=dict)


class Instructions:
    """Writes instructions; ``totals`` are operands kept in registers, ``states`` what is in them at this point."""

    def __init__(self, kernel: Kernel, vector_bytes: int) -> None:
        self.kernel, self.vector_bytes = kernel, vector_bytes
        self.builder = Builder()
        self.calls: set[VectorFunction] = set()
        self.on_rows = on_rows(kernel)
        self.varies = variation(kernel)
        self.totals: dict[int, Accumulator] = {}
        self.states: dict[int, list[Value]] = {}

    def write(self, number: int, instruction: Instruction, frame: Frame, c: str | None, lanes: Lanes) -> None:
        """One instruction on the row (``c`` is ``None``) or at elements from ``c`` on."""
        fn, args, dtype, attr = instruction
        builder, env = self.builder, frame.env
        if fn == "constant":
            env[number] = constant(attr, dtype)
        elif fn == "index":
            env[number] = self.index(attr, frame, c, lanes)
        elif fn == "load":
            pointer = self.pointer(attr[0], frame, c)
            env[number] = memory.load(builder, dtype, pointer, self.step(attr[0], c), lanes)
        elif fn == "store":
            self.put(attr[0], env[args[0]], frame, c, lanes)
        elif fn == "gather":
            offsets, _ = frame.positioned.get(number) or self.locate(instruction, frame, lanes)
            pointer, step = self.pointer(attr[0], frame, c), self.step(attr[0], c)
            env[number] = memory.load_at(builder, dtype, pointer, step, offsets, lanes, 0 in attr[3])
        elif fn == "scatter":
            located = frame.positioned.get(number) or self.locate(instruction, frame, lanes)
            pointer, step = self.pointer(attr[0], frame, c), self.step(attr[0], c)
            memory.store_at(builder, env[args[0]], pointer, step, *located, lanes, self.kernel.operands[attr[0]].use)
        else:
            natural = width_of(dtype, self.vector_bytes)
            env[number] = compute(builder, fn, [env[arg] for arg in args], dtype, natural, self.calls)

    def put(self, k: int, value: Value, frame: Frame, c: str | None, lanes: Lanes) -> None:
        """Store, or keep in registers what is stored when the rows have been walked."""
        use = self.kernel.operands[k].use
        if k not in self.totals:
            memory.store(self.builder, value, self.pointer(k, frame, c), self.step(k, c), lanes, use)
            return
        accumulator = self.totals[k]
        spread = Value(value.dtype, accumulator.width, self.builder.at(value, accumulator.width))
        new = masked(self.builder, use, spread, lanes.active if self.on_rows else 1)
        self.states[k] = accumulator.add(self.builder, self.states[k], new)

    def locate(self, instruction: Instruction, frame: Frame, lanes: Lanes) -> tuple[Value, Value]:
        """Where positions lead, and whether they are within; if not, that is reported."""
        _, status, steps, extents = instruction.attr
        args = [frame.env[arg] for arg in position_args(instruction)]
        offsets, inside = memory.positions(self.builder, args, steps, extents)
        memory.report(self.builder, inside, lanes, f"%p{status}")
        return offsets, inside

    def index(self, axis: int, frame: Frame, c: str | None, lanes: Lanes) -> Value:
        """Positions along an axis."""
        text = str(c) if axis == -1 else frame.indices[axis]
        first = Value(INT64, 1, text, fixed=text.isdigit())
        along = axis == len(self.kernel.rows) - 1 if self.on_rows else axis == -1
        if not along or lanes.width == 1:
            return first
        kind, start = type_of(INT64, lanes.width), self.builder.at(first, lanes.width)
        counting = f"<{', '.join([f'i64 {lane}' for lane in range(lanes.width)])}>"
        return Value(INT64, lanes.width, self.builder.new(f"add {kind} {start}, {counting}"))

    def step(self, k: int, c: str | None) -> int:
        """Elements from a lane to the next."""
        operand = self.kernel.operands[k]
        if self.on_rows:
            return operand.rows[-1]
        return operand.inner if c is not None else 0

    def place(self, k: int, indices: Sequence[str]) -> str:
        """Where an operand is at these positions along the first row axes."""
        operand, offset = self.kernel.operands[k], ""
        for index, step in zip(indices, operand.rows, strict=False):
            if step and index != "0":
                size = step * operand.dtype.itemsize
                term = index if size == 1 else self.builder.pure(f"mul i64 {index}, {size}")
                offset = self.builder.pure(f"add i64 {offset}, {term}") if offset else term
        return self.builder.pure(f"getelementptr i8, ptr %p{k}, i64 {offset}") if offset else f"%p{k}"

    def pointer(self, k: int, frame: Frame, c: str | None) -> str:
        """Where an operand is for the first lane."""
        operand = self.kernel.operands[k]
        if c is None or not operand.inner or c == "0":
            return frame.places[k]
        if c.isdigit():
            elements = str(int(c) * operand.inner)
        else:
            elements = c if operand.inner == 1 else self.builder.pure(f"mul i64 {c}, {operand.inner}")
        return memory.advanced(self.builder, operand.dtype, frame.places[k], elements)


def position_args(instruction: Instruction) -> tuple[int, ...]:
    """The positions among the arguments of a gather or scatter."""
    return instruction.args[instruction.fn == "scatter" :]
