"""Partial results: combined across lanes, and sums that lose no digits however many terms they have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wengert.compiler.emit.ir import BOOL, Builder, Dtype, Value, constant, literal, type_of
from wengert.compiler.emit.mathematics import cast, combine
from wengert.compiler.kernel import identity_of

__all__ = ["Accumulator", "fold", "identity", "mask", "masked"]

FLOAT64 = np.dtype(np.float64)


def identity(kind: str, dtype: Dtype, width: int) -> Value:
    """What a reduction starts from, in every lane."""
    return constant(identity_of(kind, dtype), dtype, width)


def masked(builder: Builder, kind: str, value: Value, active: int) -> Value:
    """``value`` with the identity in lanes that are no part of the iteration."""
    if active == value.width:
        return value
    kinds = f"{type_of(BOOL, value.width)} {mask(value.width, active)}, {type_of(value.dtype, value.width)}"
    other = identity(kind, value.dtype, value.width).text
    text = builder.new(f"select {kinds} {value.text}, {type_of(value.dtype, value.width)} {other}")
    return Value(value.dtype, value.width, text)


def mask(width: int, active: int) -> str:
    """The literal that is true in the first lanes."""
    return f"<{', '.join([f'i1 {int(lane < active)}' for lane in range(width)])}>"


def fold(builder: Builder, kind: str, value: Value, width: int = 1) -> Value:
    """Lanes combined by halves until ``width`` are left."""
    while value.width > width:
        half = value.width // 2
        low = builder.shuffle(value, range(half))
        high = builder.shuffle(value, range(half, value.width))
        value = combine(builder, kind, high, low)
    return value


class Accumulator(NamedTuple):
    """A reduction of many terms, lane by lane, at ``width``. Its state is a list of values to be carried by loops.

    Sums of float32 are carried in float64; those of float64 with the rounding errors of all additions, found by
    Knuth's two-sum (The Art of Computer Programming, volume 2, section 4.2.2).
    """

    kind: str
    dtype: Dtype
    width: int

    @property
    def _wide(self) -> bool:
        return self.kind == "sum" and self.dtype.name == "float32"

    @property
    def _compensated(self) -> bool:
        return self.kind == "sum" and self.dtype == FLOAT64

    def initial(self) -> list[Value]:
        """The state before the first term."""
        if self._wide:
            return [constant(0, FLOAT64, self.width)]
        first = identity(self.kind, self.dtype, self.width)
        return [first, first] if self._compensated else [first]

    def add(self, builder: Builder, state: list[Value], value: Value) -> list[Value]:
        """The state after another term of this width."""
        if self._wide:
            return [combine(builder, "sum", cast(builder, value, FLOAT64), state[0])]
        if not self._compensated:
            return [combine(builder, self.kind, value, state[0])]
        total, error = state
        kind = type_of(self.dtype, self.width)
        new = builder.new(f"fadd {kind} {total.text}, {value.text}")
        gained = builder.new(f"fsub {kind} {new}, {total.text}")
        kept = builder.new(f"fsub {kind} {new}, {gained}")
        lost_old = builder.new(f"fsub {kind} {total.text}, {kept}")
        lost_new = builder.new(f"fsub {kind} {value.text}, {gained}")
        lost = builder.new(f"fadd {kind} {lost_old}, {lost_new}")
        more = builder.new(f"fadd {kind} {error.text}, {lost}")
        return [Value(self.dtype, self.width, new), Value(self.dtype, self.width, more)]

    def result(self, builder: Builder, state: list[Value], width: int = 1) -> Value:
        """What has been accumulated, over groups of lanes; errors of infinite sums are not numbers and don't count."""
        if self._wide:
            return cast(builder, fold(builder, "sum", state[0], width), self.dtype)
        if not self._compensated:
            return fold(builder, self.kind, state[0], width)
        total, error = state
        kind, zero = type_of(self.dtype, self.width), literal(0, self.dtype, self.width)
        number = builder.new(f"fcmp ord {kind} {error.text}, {error.text}")
        sound = builder.new(f"select {type_of(BOOL, self.width)} {number}, {kind} {error.text}, {kind} {zero}")
        totals = fold(builder, "sum", total, width)
        return combine(builder, "sum", fold(builder, "sum", Value(self.dtype, self.width, sound), width), totals)
