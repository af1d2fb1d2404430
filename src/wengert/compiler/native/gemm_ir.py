"""The native function for products of matrices: ``c = op(a) @ op(b) (+ c)``, row-major, of any size.

The result is computed in *tiles* of a few rows and a few vectors of columns. A tile's sums stay in registers while a
loop goes along k; each round reads one number of each row of a, which is multiplied with the columns' vectors of b.
Columns are cut into *strips* as wide as a tile, and k into blocks, so that a strip of a block of b stays in the nearest
cache while all rows go by. A strip whose numbers don't lie well is copied first (see ``gemm_pack.py``).

Where fewer rows are left over than a tile has, tiles are made of the greatest power of two that there is, each row
being computed and written more than once. Where columns are left over, the last vector is masked. Nothing outside of
the matrices is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.compiler.emit.ir import INT64, Value, constant, suffix_of
from wengert.compiler.native.gemm_writer import Writer, Written

__all__ = ["ARGUMENTS", "ROWS", "product_ir", "widest"]

ARGUMENTS = ("a", "b", "c", "work", "m", "n", "k", "am", "ak", "bk", "bn", "cm", "add", "pack", "strips", "units",
             "group", "block", "blocks", "chunk", "scratch", "sa", "sb", "sc")  # fmt: skip
"""What the function takes in its array of arguments. All distances are in bytes.

``am`` and ``ak``, ``bk`` and ``bn``: distances in op(a) and op(b) along m, n and k; ``cm``: between rows of c; ``add``:
1 to add to c; ``pack``: the function that copies strips of b, or 0. The range that the function is called for counts
units: the strips of each group of ``group`` rows, of each matrix of a batch, whose steps are ``sa``, ``sb``, ``sc``;
``strips`` is how many a group has, ``units`` how many a matrix has. There are ``blocks`` of length ``block`` along k,
the last of which may be shorter. Ranges begin at multiples of ``chunk``; each has ``scratch`` bytes of ``work`` to
itself.
"""

ROWS = 8
"""The rows of a group are a multiple of this, and so of each tile's rows."""


def widest(vector_bytes: int) -> int:
    """How many vectors a strip is wide."""
    return 4 if vector_bytes == 64 else 3


def _rows(vectors: int, vector_bytes: int) -> int:
    """A tile's rows, a power of two: enough sums at a time to hide how long one takes, not too many for registers."""
    return (8, 8, 4, 4)[vectors - 1] if vector_bytes == 64 else (8, 4, 4)[vectors - 1]


def product_ir(name: str, dtype: np.dtype[Any], vector_bytes: int) -> Written:
    """The function, for float32 or float64 and registers of so many bytes."""
    return _Product(dtype, vector_bytes).written(name)


class _Product(Writer):
    """The words of ``ARGUMENTS`` by name, and what is known of the unit at hand."""

    def written(self, name: str) -> Written:
        given = [
            self.load(self.new(f"getelementptr i64, ptr %argv, i64 {i}"), kind="i64") for i in range(len(ARGUMENTS))
        ]
        self.words = dict(zip(ARGUMENTS, given, strict=True))
        part = self.new(f"udiv i64 %begin, {self.words['chunk']}")
        self.packed = self.plus(self.words["work"], self.times(part, self.words["scratch"]))
        self.builder.loop("%begin", "%end", 1, [], self.unit, guard=True)
        return self.function(name, "ptr %argv, i64 %begin, i64 %end")

    def unit(self, u: str, _: list[Value]) -> list[Value]:
        """One strip of one group of rows."""
        word, wide = self.words, widest(self.vector_bytes) * self.lanes
        matrix, u = self.divided(u, word["units"])
        group, strip = self.divided(u, word["strips"])
        column = self.times(strip, wide)
        self.first = self.times(group, word["group"])
        self.last = self.least(self.plus(self.first, word["group"]), word["m"])
        self.columns = self.least(self.minus(word["n"], column), wide)
        before, over = self.divided(self.minus(self.columns, 1), self.lanes)
        self.vectors, self.over = self.plus(before, 1), self.plus(over, 1)
        self.mask = self.mask_of(self.over)
        a, b, c = (self.plus(word[x], self.times(matrix, word["s" + x])) for x in "abc")
        self.b_start = self.plus(b, self.times(column, word["bn"]))
        self.c_start = self.plus(c, self.times(column, self.size))

        def block(number: str, _: list[Value]) -> list[Value]:
            k = self.times(number, word["block"])
            self.a_start = self.plus(a, self.times(k, word["ak"]))
            later, adds = self.new(f"icmp ne i64 {k}, 0"), self.new(f"icmp ne i64 {word['add']}, 0")
            self.adds = self.new(f"or i1 {later}, {adds}")
            self.strip(k)
            return []

        self.builder.loop("0", word["blocks"], 1, [], block)
        return []

    def strip(self, k: str) -> None:
        """A block of k, from ``k`` on: the strip copied if need be, and then the tile of each few rows."""
        word, when = self.words, self.builder.when
        self.count = self.least(self.minus(word["k"], k), word["block"])
        origin, row = self.plus(self.b_start, self.times(k, word["bk"])), self.times(self.vectors, self.vector_bytes)

        def copied() -> list[Value]:
            given = (origin, self.packed, word["bk"], word["bn"], self.count, self.columns, self.vectors)
            texts = ", ".join([f"i64 {text}" for text in given])
            self.builder.put(f"call void {self.pointer(word['pack'])}({texts})")
            return [Value(INT64, 1, self.packed), Value(INT64, 1, row)]

        where = [Value(INT64, 1, origin), Value(INT64, 1, word["bk"])]
        copy, step = when(self.new(f"icmp ne i64 {word['pack']}, 0"), where, copied)
        self.b_from, self.b_step = self.pointer(copy.text), step.text
        for vectors in range(1, widest(self.vector_bytes) + 1):
            fits = self.new(f"icmp eq i64 {self.vectors}, {vectors}")
            when(fits, [], lambda vectors=vectors: self.tiles(vectors))  # type: ignore[misc]

    def tiles(self, vectors: int) -> list[Value]:
        """All rows of the group, in a strip of so many vectors: as many at a time as a tile has, then fewer."""
        rows = _rows(vectors, self.vector_bytes)
        whole, rest = self.divided(self.minus(self.last, self.first), rows)
        some = self.builder.intrinsic("llvm.ctpop.i64", "i64", [("i64", rest)])

        def tile(_: str, values: list[Value]) -> list[Value]:
            i = values[0].text
            left = self.minus(self.last, i)
            a = [self.pointer(self.plus(self.a_start, self.times(i, self.words["am"])))]
            c = [self.pointer(self.plus(self.c_start, self.times(i, self.words["cm"])))]
            following = self.plus(i, 1)
            for bit in [bit for bit in (1, 2, 4) if bit < rows]:
                enough = self.new(f"icmp sge i64 {left}, {2 * bit}")
                there = [
                    self.new(f"select i1 {enough}, i64 {distance}, i64 0")
                    for distance in (self.times(self.words["am"], bit), self.times(self.words["cm"], bit), bit)
                ]
                a += [self.further(row, there[0]) for row in a]
                c += [self.further(row, there[1]) for row in c]
                following = self.plus(following, there[2])
            self.write(vectors, self.sums(vectors, a), c)
            return [Value(INT64, 1, following)]

        self.builder.loop("0", self.plus(whole, some), 1, [Value(INT64, 1, self.first)], tile)
        return []

    def sums(self, vectors: int, rows: Sequence[str]) -> list[Value]:
        """A tile's sums along a block of k. Copies need no mask; nor do strips of whole vectors."""
        masked = self.mask if self.vector_bytes == 64 else ""

        def step(_: str, values: list[Value]) -> list[Value]:
            along, down, *sums = values
            line = self.further(self.b_from, down.text)
            places = [self.further(line, v * self.vector_bytes) for v in range(vectors)]
            ys = [self.load(place, masked if v == vectors - 1 else "") for v, place in enumerate(places)]
            new = []
            for r, row in enumerate(rows):
                number = Value(self.dtype, 1, self.load(self.further(row, along.text), kind=self.number))
                x = self.builder.at(number, self.lanes)
                new += [self.accumulated(x, y, sums[r * vectors + v].text) for v, y in enumerate(ys)]
            following = (self.plus(along.text, self.words["ak"]), self.plus(down.text, self.b_step))
            return [*[Value(INT64, 1, text) for text in following], *new]

        start = [*[constant(0, INT64)] * 2, *[constant(0, self.dtype, self.lanes)] * (len(rows) * vectors)]
        return self.builder.loop("0", self.count, 1, start, step)[2:]

    def accumulated(self, x: str, y: str, total: str) -> Value:
        name = f"llvm.fmuladd.{suffix_of(self.dtype, self.lanes)}"
        text = self.builder.intrinsic(name, self.kind, [(self.kind, factor) for factor in (x, y, total)])
        return Value(self.dtype, self.lanes, text)

    def write(self, vectors: int, sums: Sequence[Value], rows: Sequence[str]) -> None:
        """A tile's sums stored, or added to what is there."""
        places = [(self.further(row, v * self.vector_bytes), v == vectors - 1) for row in rows for v in range(vectors)]
        if self.vector_bytes == 64:
            whole = f"<{', '.join(['i1 true'] * self.lanes)}>"
            old = [
                self.new(f"select i1 {self.adds}, {self.masks} {mask}, {self.masks} zeroinitializer")
                for mask in (whole, self.mask)
            ]
            there = [self.load(place, old[last]) for place, last in places]
            totals = [self.new(f"fadd {self.kind} {x}, {y.text}") for x, y in zip(there, sums, strict=True)]
            for (place, last), total in zip(places, totals, strict=True):
                self.store(total, place, self.mask if last else "")
            return

        def added() -> list[Value]:
            there = [self.load(place, self.mask if last else "") for place, last in places]
            texts = [self.new(f"fadd {self.kind} {x}, {y.text}") for x, y in zip(there, sums, strict=True)]
            return [Value(self.dtype, self.lanes, text) for text in texts]

        sums = self.builder.when(self.adds, sums, added)
        for (place, last), value in zip(places, sums, strict=True):
            if not last:
                self.store(value.text, place)
        for condition, mask in (("eq", ""), ("ne", self.mask)):
            matches = self.new(f"icmp {condition} i64 {self.over}, {self.lanes}")
            self.builder.when(matches, [], self._last_stored(places, sums, mask))

    def _last_stored(
        self, places: Sequence[tuple[str, bool]], sums: Sequence[Value], mask: str
    ) -> Callable[[], list[Value]]:
        def body() -> list[Value]:
            for (place, last), value in zip(places, sums, strict=True):
                if last:
                    self.store(value.text, place, mask)
            return []

        return body
