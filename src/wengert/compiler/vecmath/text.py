"""LLVM IR as text, of functions of vectors: values with Python's operators, written down as they are computed.

A :class:`Code` collects the instructions of one function. A :class:`Value` is one of its vectors: of floating-point
numbers (kind ``f``), of integers of the same size (``i``) or of truth values (``b``). Python's numbers stand for
vectors that hold them in every lane. An instruction that was written before is not written again, so formulas can be
written without regard to what they share.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["Code", "Format", "Number", "Value", "format_of", "parts"]

Number = float | Fraction


@dataclass(frozen=True)
class Format:
    """A binary format: how many bits its numbers and their significands (without the leading 1) have."""

    name: str
    bits: int
    mantissa: int

    @property
    def element(self) -> str:
        """LLVM's name of the type."""
        return {32: "float", 64: "double"}[self.bits]

    @property
    def bias(self) -> int:
        """What is added to exponents."""
        return (1 << (self.bits - self.mantissa - 2)) - 1

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << (self.bits - 1)

    @property
    def magic(self) -> float:
        """A number whose sum with a small one is rounded to an integer, which is then in the sum's last bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)

    def rounded(self, number: Number) -> float:
        """The nearest number of this format."""
        return float(number) if self.bits == 64 else float(np.float32(float(number)))

    def pattern(self, number: float) -> int:
        """The bits of a number."""
        return int.from_bytes(struct.pack("<d" if self.bits == 64 else "<f", number), "little")


def format_of(dtype: np.dtype[Any]) -> Format:
    """The format of ``float32`` or ``float64``."""
    formats = {"float32": Format("f32", 32, 23), "float64": Format("f64", 64, 52)}
    if dtype.name not in formats:
        raise ValueError(f"dtype: expected float32 or float64, got {dtype}.")
    return formats[dtype.name]


def parts(number: Fraction, count: int, form: Format) -> list[float]:
    """A number as an unevaluated sum: the nearest number of the format, the nearest to what is left, and so on."""
    found = []
    for _ in range(count):
        found.append(form.rounded(number))
        number -= Fraction(found[-1])
    return found


class Value:
    """A vector in a :class:`Code`: its name or the constant that it is."""

    __slots__ = ("code", "kind", "text")

    def __init__(self, code: Code, text: str, kind: str) -> None:
        self.code, self.text, self.kind = code, text, kind

    def _binary(self, names: dict[str, str], other: Operand, swap: bool = False) -> Value:
        a, b = self, self.code.value(other, self.kind)
        if swap:
            a, b = b, a
        return self.code.emit(f"{names[self.kind]} {self.code.type(self.kind)} {a.text}, {b.text}", self.kind)

    def __add__(self, other: Operand) -> Value:
        return self._binary({"f": "fadd", "i": "add"}, other)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Value:
        return self._binary({"f": "fsub", "i": "sub"}, other)

    def __rsub__(self, other: Operand) -> Value:
        return self._binary({"f": "fsub", "i": "sub"}, other, swap=True)

    def __mul__(self, other: Operand) -> Value:
        return self._binary({"f": "fmul"}, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Value:
        return self._binary({"f": "fdiv"}, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self._binary({"f": "fdiv"}, other, swap=True)

    def __and__(self, other: Operand) -> Value:
        return self._binary({"i": "and", "b": "and"}, other)

    def __or__(self, other: Operand) -> Value:
        return self._binary({"i": "or", "b": "or"}, other)

    def __xor__(self, other: Operand) -> Value:
        return self._binary({"i": "xor", "b": "xor"}, other)

    def __lshift__(self, other: Operand) -> Value:
        return self._binary({"i": "shl"}, other)

    def __rshift__(self, other: Operand) -> Value:
        """Zeros come in from the left."""
        return self._binary({"i": "lshr"}, other)

    def __neg__(self) -> Value:
        if self.kind == "i":
            return 0 - self
        return self.code.emit(f"fneg {self.code.type('f')} {self.text}", "f")

    def __invert__(self) -> Value:
        return self._binary({"b": "xor"}, -1)

    def _compare(self, predicate: str, other: Operand) -> Value:
        other = self.code.value(other, self.kind)
        word = {"f": f"fcmp o{predicate}", "i": f"icmp {'' if predicate == 'eq' else 's'}{predicate}"}[self.kind]
        return self.code.emit(f"{word} {self.code.type(self.kind)} {self.text}, {other.text}", "b")

    def __lt__(self, other: Operand) -> Value:
        return self._compare("lt", other)

    def __gt__(self, other: Operand) -> Value:
        return self._compare("gt", other)

    def __ge__(self, other: Operand) -> Value:
        return self._compare("ge", other)

    def equals(self, other: Operand) -> Value:
        """Where both are equal. (``==`` is left to Python.)"""
        return self._compare("eq", other)

    def unordered(self, other: Value) -> Value:
        """Where one of two is NaN."""
        return self.code.emit(f"fcmp uno {self.code.type('f')} {self.text}, {other.text}", "b")

    def bits(self) -> Value:
        """The same bits as integers."""
        return self.code.emit(f"bitcast {self.code.type('f')} {self.text} to {self.code.type('i')}", "i")

    def floats(self) -> Value:
        """The same bits as floating-point numbers."""
        return self.code.emit(f"bitcast {self.code.type('i')} {self.text} to {self.code.type('f')}", "f")


Operand = Value | float | Fraction


@dataclass
class Code:
    """The instructions of a function of vectors of ``width`` numbers of a format."""

    form: Format
    width: int
    lines: list[str] = field(default_factory=list)
    declarations: set[str] = field(default_factory=set)
    _known: dict[str, str] = field(default_factory=dict)
    _count: int = 0
    _block: str = "entry"

    def type(self, kind: str) -> str:
        """The LLVM type of vectors of a kind."""
        element = {"f": self.form.element, "i": f"i{self.form.bits}", "b": "i1"}[kind]
        return f"<{self.width} x {element}>"

    def value(self, number: Operand, kind: str) -> Value:
        """A number in every lane; values as they are."""
        if isinstance(number, Value):
            return number
        if kind == "f":
            bits = struct.pack(">d", self.form.rounded(number))
            lane = f"{self.form.element} 0x{bits.hex().upper()}"
        else:
            lane = f"{'i1' if kind == 'b' else f'i{self.form.bits}'} {int(number)}"
        return Value(self, f"<{', '.join([lane] * self.width)}>", kind)

    def number(self, number: Number) -> Value:
        """A floating-point number in every lane."""
        return self.value(number, "f")

    def emit(self, instruction: str, kind: str) -> Value:
        """Write an instruction, unless it is there."""
        name = self._known.get(instruction)
        if name is None:
            name = self._known[instruction] = f"%v{self._count}"
            self._count += 1
            self.lines.append(f"  {name} = {instruction}")
        return Value(self, name, kind)

    def call(self, name: str, *arguments: Value) -> Value:
        """Call an intrinsic function of floating-point vectors."""
        vector = self.type("f")
        symbol = f"@llvm.{name}.v{self.width}{self.form.name}"
        self.declarations.add(f"declare {vector} {symbol}({', '.join([vector] * len(arguments))})")
        return self.emit(f"call {vector} {symbol}({', '.join([f'{vector} {x.text}' for x in arguments])})", "f")

    def fma(self, a: Operand, b: Operand, c: Operand) -> Value:
        """``a * b + c``, rounded once."""
        return self.call("fma", self.value(a, "f"), self.value(b, "f"), self.value(c, "f"))

    def sqrt(self, x: Value) -> Value:
        """The square root."""
        return self.call("sqrt", x)

    def abs(self, x: Value) -> Value:
        """The absolute value."""
        return self.call("fabs", x)

    def select(self, condition: Value, a: Operand, b: Operand) -> Value:
        """``a`` where the condition holds, else ``b``."""
        kind = next((x.kind for x in (a, b) if isinstance(x, Value)), "f")
        a, b = self.value(a, kind), self.value(b, kind)
        vector = self.type(kind)
        return self.emit(f"select {self.type('b')} {condition.text}, {vector} {a.text}, {vector} {b.text}", kind)

    def signed(self, magnitude: Value, sign: Value) -> Value:
        """A value that isn't negative, with the sign bit of another."""
        return (magnitude.bits() | (sign.bits() & -self.form.sign)).floats()

    def flipped(self, x: Value, sign: Value) -> Value:
        """A value, negated where another has its sign bit set."""
        return (x.bits() ^ (sign.bits() & -self.form.sign)).floats()

    def negative(self, x: Value) -> Value:
        """Where the sign bit is set."""
        return x.bits() < 0

    def larger(self, a: Value, b: Value) -> Value:
        """``a`` where it is larger, else ``b``: NaN where ``b`` is NaN."""
        return self.select(a > b, a, b)

    def smaller(self, a: Operand, b: Value) -> Value:
        """``a`` where it is smaller, else ``b``: NaN where ``b`` is NaN."""
        return self.select(b > a, a, b)

    def power_of_two(self, n: Value) -> Value:
        """2ⁿ for integers n that are exponents of normal numbers."""
        return ((n + self.form.bias) << self.form.mantissa).floats()

    def nearest_integer(self, x: Value) -> tuple[Value, Value]:
        """The nearest integers, as integers and as floating-point numbers. They may have few bits only."""
        return self.integer_after_scaling(x, 1.0)

    def integer_after_scaling(self, x: Value, factor: Number) -> tuple[Value, Value]:
        """The integers nearest to ``x * factor``, as integers and as floating-point numbers."""
        shifted = self.fma(x, factor, self.form.magic)
        return shifted.bits() - self.form.pattern(self.form.magic), shifted - self.form.magic

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """A polynomial, coefficients of the highest power first. Long ones are summed in two interleaved halves."""
        if len(coefficients) > 8:
            square = x * x
            odd_count = len(coefficients) % 2
            high = self._horner(square, coefficients[odd_count::2])
            low = self._horner(square, coefficients[1 - odd_count :: 2])
            return self.fma(high, x, low)
        return self._horner(x, coefficients)

    def _horner(self, x: Value, coefficients: Sequence[float]) -> Value:
        total = self.number(coefficients[0])
        for c in coefficients[1:]:
            total = self.fma(total, x, c)
        return total

    def where_rare(self, condition: Value, rare: Callable[[], Sequence[Value]], usual: Sequence[Value]) -> list[Value]:
        """``rare()`` where the condition holds, else ``usual``; ``rare()`` is only computed if a lane needs it."""
        name = f"@llvm.vector.reduce.or.v{self.width}i1"
        self.declarations.add(f"declare i1 {name}({self.type('b')})")
        label = f"rare{self._count}"
        self.lines.append(f"  %any.{label} = call i1 {name}({self.type('b')} {condition.text})")
        self.lines.append(f"  br i1 %any.{label}, label %{label}, label %after.{label}")
        self.lines.append(f"{label}:")
        known, before = dict(self._known), self._block
        self._block = label
        found = [self.select(condition, a, b) for a, b in zip(rare(), usual, strict=True)]
        self.lines.append(f"  br label %after.{label}")
        self.lines.append(f"after.{label}:")
        inner, self._known, self._block = self._block, known, f"after.{label}"
        return [
            self.emit(f"phi {self.type(a.kind)} [ {a.text}, %{inner} ], [ {b.text}, %{before} ]", a.kind)
            for a, b in zip(found, usual, strict=True)
        ]
