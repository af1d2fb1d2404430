"""What the functions for products of matrices are written with: positions in memory, and vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.compiler.emit.ir import Builder, suffix_of, type_of

__all__ = ["Writer", "Written"]


class Written(NamedTuple):
    """A function's text, and the declarations that it needs."""

    text: str
    declarations: tuple[str, ...]


class Writer:
    """IR of a function on elements of ``dtype``, in vectors of ``lanes``. Positions are addresses, as ``i64``."""

    def __init__(self, dtype: np.dtype[Any], vector_bytes: int) -> None:
        self.dtype, self.size = dtype, dtype.itemsize
        self.vector_bytes, self.lanes = vector_bytes, vector_bytes // dtype.itemsize
        self.number, self.kind = type_of(dtype), type_of(dtype, self.lanes)
        self.masks = f"<{self.lanes} x i1>"
        self.builder = Builder()
        self.new = self.builder.new

    def function(self, name: str, parameters: str) -> Written:
        """The function whose instructions have been written."""
        self.builder.put("ret void")
        lines = [f"define void @{name}({parameters}) {{", "entry:", *self.builder.lines, "}", ""]
        return Written("\n".join(lines), tuple(sorted(self.builder.declarations)))

    def plus(self, x: str, y: str | int) -> str:
        """``x + y``."""
        return self.new(f"add i64 {x}, {y}")

    def minus(self, x: str, y: str | int) -> str:
        """``x - y``."""
        return self.new(f"sub i64 {x}, {y}")

    def times(self, x: str, y: str | int) -> str:
        """``x * y``."""
        return self.new(f"mul i64 {x}, {y}")

    def least(self, x: str, y: str | int) -> str:
        """``min(x, y)``."""
        return self.new(f"select i1 {self.new(f'icmp slt i64 {x}, {y}')}, i64 {x}, i64 {y}")

    def divided(self, x: str, y: str | int) -> tuple[str, str]:
        """``divmod(x, y)``, neither being negative."""
        quotient = self.new(f"udiv i64 {x}, {y}")
        return quotient, self.minus(x, self.times(quotient, y))

    def pointer(self, position: str) -> str:
        """A position as a pointer."""
        return self.new(f"inttoptr i64 {position} to ptr")

    def further(self, pointer: str, distance: str | int) -> str:
        """The pointer so many bytes on."""
        if distance == 0:
            return pointer
        return self.new(f"getelementptr i8, ptr {pointer}, i64 {distance}")

    def load(self, pointer: str, mask: str = "", kind: str = "") -> str:
        """A vector; if there is a mask, only its lanes are read, and the others are 0."""
        if not mask:
            return self.new(f"load {kind or self.kind}, ptr {pointer}, align {self.size}")
        name = f"llvm.masked.load.{suffix_of(self.dtype, self.lanes)}.p0"
        given = [("ptr", pointer), ("i32", str(self.size)), (self.masks, mask), (self.kind, "zeroinitializer")]
        return self.builder.intrinsic(name, self.kind, given)

    def store(self, value: str, pointer: str, mask: str = "", kind: str = "") -> None:
        """Write a vector, or its lanes that a mask has."""
        if not mask:
            self.builder.put(f"store {kind or self.kind} {value}, ptr {pointer}, align {self.size}")
            return
        name = f"llvm.masked.store.{suffix_of(self.dtype, self.lanes)}.p0"
        given = [(self.kind, value), ("ptr", pointer), ("i32", str(self.size)), (self.masks, mask)]
        self.builder.intrinsic(name, "void", given)

    def mask_of(self, active: str) -> str:
        """The mask of the first lanes, at most all."""
        integer = f"i{8 * self.size}"
        if integer != "i64":
            active = self.new(f"trunc i64 {active} to {integer}")
        kind = f"<{self.lanes} x {integer}>"
        first = self.new(f"insertelement {kind} poison, {integer} {active}, i64 0")
        spread = self.new(f"shufflevector {kind} {first}, {kind} poison, <{self.lanes} x i32> zeroinitializer")
        numbers = ", ".join([f"{integer} {lane}" for lane in range(self.lanes)])
        return self.new(f"icmp slt {kind} <{numbers}>, {spread}")

    def shuffled(self, x: str, y: str, lanes: Sequence[int]) -> str:
        """Lanes of two vectors of as many lanes as are chosen; those of the second come after those of the first."""
        kind = type_of(self.dtype, len(lanes))
        chosen = ", ".join([f"i32 {lane}" for lane in lanes])
        return self.new(f"shufflevector {kind} {x}, {kind} {y}, <{len(lanes)} x i32> <{chosen}>")
