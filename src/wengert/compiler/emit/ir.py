"""Text of LLVM IR: types, literals, instructions, loops.

A :class:`Value` is a number, or as many numbers as a vector has lanes. ``Builder`` writes instructions one after the
other; loops carry values from round to round, so that nothing that stays in a register goes through memory.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["BOOL", "BYTE", "INT64", "Builder", "Value", "constant", "literal", "memory_type", "suffix_of", "type_of"]

Dtype = np.dtype[Any]

BOOL = np.dtype(bool)
BYTE = np.dtype(np.int8)
INT64 = np.dtype(np.int64)

_TYPES = {"float32": "float", "float64": "double", "bool": "i1"}
for _bits in (8, 16, 32, 64):
    _TYPES[f"int{_bits}"] = _TYPES[f"uint{_bits}"] = f"i{_bits}"


class Value(NamedTuple):
    """A register or a literal of ``width`` lanes (1: no vector). ``fixed``: it is a literal with equal lanes."""

    dtype: Dtype
    width: int
    text: str
    fixed: bool = False


@functools.cache
def type_of(dtype: Dtype, width: int = 1) -> str:
    """The type of numbers in registers.

    >>> type_of(np.dtype(np.float32), 8), type_of(np.dtype(bool)), type_of(np.dtype(np.uint16), 1)
    ('<8 x float>', 'i1', 'i16')
    """
    name = _TYPES.get(dtype.name)
    if name is None:
        raise ValueError(f"Kernels don't compute with {dtype}; cast it to float32, float64, an integer or bool.")
    return name if width == 1 else f"<{width} x {name}>"


@functools.cache
def memory_type(dtype: Dtype, width: int = 1) -> str:
    """The type of numbers in memory: booleans take a byte."""
    return type_of(np.dtype(np.int8) if dtype.kind == "b" else dtype, width)


@functools.cache
def suffix_of(dtype: Dtype, width: int, memory: bool = False) -> str:
    """What an overloaded intrinsic's name ends in.

    >>> suffix_of(np.dtype(np.float32), 8), suffix_of(np.dtype(bool), 1, memory=True)
    ('v8f32', 'i8')
    """
    bits = 1 if dtype.kind == "b" and not memory else 8 * dtype.itemsize
    return f"{f'v{width}' if width > 1 else ''}{'f' if dtype.kind == 'f' else 'i'}{bits}"


def literal(number: Any, dtype: Dtype, width: int = 1) -> str:
    """A number as IR has it, repeated in every lane.

    >>> literal(0.1, np.dtype(np.float32)), literal(2**64 - 1, np.dtype(np.uint64)), literal(True, np.dtype(bool))
    ('0x3FB99999A0000000', '-1', 'true')
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            wide = float(dtype.type(number))
        bits = 0x7FF8000000000000 if wide != wide else struct.unpack("<Q", struct.pack("<d", wide))[0]
        text, zero = f"0x{bits:016X}", bits == 0
    elif dtype.kind == "b":
        text, zero = ("true", False) if number else ("false", True)
    else:
        bits = 8 * dtype.itemsize
        wrapped = (int(number) + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
        text, zero = str(wrapped), wrapped == 0
    if width == 1:
        return text
    return "zeroinitializer" if zero else _splat(type_of(dtype), type_of(dtype, width), width, text)


def _splat(scalar: str, vector: str, width: int, text: str) -> str:
    first = f"{vector} insertelement ({vector} poison, {scalar} {text}, i64 0)"
    return f"shufflevector ({first}, {vector} poison, <{width} x i32> zeroinitializer)"


def constant(number: Any, dtype: Dtype, width: int = 1) -> Value:
    """A literal as a value."""
    return Value(dtype, width, literal(number, dtype, width), fixed=True)


class Builder:
    """The instructions of a function. ``scopes`` remember what pure instructions computed, while it is to be had."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: set[str] = set()
        self.block = "entry"
        self._names = 0
        self._labels = 0
        self._scopes: list[dict[str, str]] = [{}]

    def name(self) -> str:
        """A new register's name."""
        self._names += 1
        return f"%v{self._names}"

    def put(self, line: str) -> None:
        """Write an instruction that gives nothing."""
        self.lines.append("  " + line)

    def new(self, right: str) -> str:
        """The register that an instruction gives."""
        self._names += 1
        name = f"%v{self._names}"
        self.lines.append(f"  {name} = {right}")
        return name

    def pure(self, right: str) -> str:
        """The same, once for equal instructions."""
        for scope in self._scopes:
            if right in scope:
                return scope[right]
        name = self._scopes[-1][right] = self.new(right)
        return name

    def intrinsic(self, name: str, result: str, arguments: Sequence[tuple[str, str]], flags: str = "") -> str:
        """The result of a call of a function of LLVM's; arguments are types and texts."""
        self.declarations.add(f"declare {result} @{name}({', '.join([kind for kind, _ in arguments])})")
        given = ", ".join([f"{kind} {text}" for kind, text in arguments])
        if result == "void":
            self.put(f"call void @{name}({given})")
            return ""
        return self.new(f"call {flags}{result} @{name}({given})")

    def at(self, value: Value, width: int) -> str:
        """A value's text at a width: a number is repeated in every lane."""
        if value.width == width:
            return value.text
        if value.width != 1:
            raise ValueError(f"A vector of {value.width} lanes is used where {width} are.")
        scalar, vector = type_of(value.dtype), type_of(value.dtype, width)
        if value.fixed:
            zero = value.text in ("0", "false", "0x0000000000000000")
            return "zeroinitializer" if zero else _splat(scalar, vector, width, value.text)
        first = self.pure(f"insertelement {vector} poison, {scalar} {value.text}, i64 0")
        return self.pure(f"shufflevector {vector} {first}, {vector} poison, <{width} x i32> zeroinitializer")

    def lane(self, value: Value, lane: int) -> str:
        """One of a value's numbers."""
        if value.width == 1:
            return value.text
        return self.new(f"extractelement {type_of(value.dtype, value.width)} {value.text}, i64 {lane}")

    def vector(self, dtype: Dtype, lanes: Sequence[str], width: int) -> Value:
        """A vector of numbers; missing lanes are 0."""
        if width == 1:
            return Value(dtype, 1, lanes[0])
        kind, text = type_of(dtype, width), "zeroinitializer" if len(lanes) < width else "poison"
        for i, lane in enumerate(lanes):
            text = self.new(f"insertelement {kind} {text}, {type_of(dtype)} {lane}, i64 {i}")
        return Value(dtype, width, text)

    def shuffle(self, value: Value, lanes: Sequence[int]) -> Value:
        """A vector of some of a vector's lanes."""
        kind = type_of(value.dtype, value.width)
        if len(lanes) == 1:
            return Value(value.dtype, 1, self.lane(value, lanes[0]))
        mask = f"<{', '.join([f'i32 {lane}' for lane in lanes])}>"
        text = self.new(f"shufflevector {kind} {value.text}, {kind} poison, <{len(lanes)} x i32> {mask}")
        return Value(value.dtype, len(lanes), text)

    def _label(self, kind: str) -> str:
        self._labels += 1
        return f"{kind}{self._labels}"

    def _start(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.block = label

    def loop(
        self,
        begin: int | str,
        end: int | str,
        step: int,
        carried: Sequence[Value],
        body: Callable[[str, list[Value]], list[Value]],
        guard: bool = False,
    ) -> list[Value]:
        """``for index in range(begin, end, step)``, at least one round unless ``guard``; the values carried, at last.

        ``body`` gets the index and the values that the round before (or ``carried``) gave, and gives those for the
        next round.
        """
        if isinstance(begin, int) and isinstance(end, int) and end - begin <= step:
            return body(str(begin), list(carried)) if begin < end else list(carried)
        before, label, after = self.block, self._label("loop"), self._label("done")
        if guard:
            self.put(f"br i1 {self.new(f'icmp slt i64 {begin}, {end}')}, label %{label}, label %{after}")
        else:
            self.put(f"br label %{label}")
        self._start(label)
        index = self.name()
        inside = [Value(value.dtype, value.width, self.name()) for value in carried]
        position = len(self.lines)
        self.lines += [""] * (1 + len(inside))
        self._scopes.append({})
        results = body(index, list(inside))
        self._scopes.pop()
        following = self.new(f"add nuw nsw i64 {index}, {step}")
        self.put(f"br i1 {self.new(f'icmp slt i64 {following}, {end}')}, label %{label}, label %{after}")
        self.lines[position] = f"  {index} = phi i64 [ {begin}, %{before} ], [ {following}, %{self.block} ]"
        for i, (first, value, last) in enumerate(zip(carried, inside, results, strict=True)):
            kind, last_text = type_of(value.dtype, value.width), last.text
            self.lines[position + 1 + i] = (
                f"  {value.text} = phi {kind} [ {first.text}, %{before} ], [ {last_text}, %{self.block} ]"
            )
        latch = self.block
        self._start(after)
        return self._merged(carried, before, results, latch) if guard else results

    def when(self, condition: str, carried: Sequence[Value], body: Callable[[], list[Value]]) -> list[Value]:
        """``if condition: carried = body()``."""
        before, label, after = self.block, self._label("then"), self._label("after")
        self.put(f"br i1 {condition}, label %{label}, label %{after}")
        self._start(label)
        self._scopes.append({})
        results = body()
        self._scopes.pop()
        latch = self.block
        self.put(f"br label %{after}")
        self._start(after)
        return self._merged(carried, before, results, latch)

    def _merged(self, first: Sequence[Value], before: str, second: Sequence[Value], latch: str) -> list[Value]:
        merged = []
        for a, b in zip(first, second, strict=True):
            kind = type_of(a.dtype, a.width)
            text = self.new(f"phi {kind} [ {a.text}, %{before} ], [ {b.text}, %{latch} ]")
            merged.append(Value(a.dtype, a.width, text))
        return merged
