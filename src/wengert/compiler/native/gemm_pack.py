"""The native functions that copy a strip of a matrix, so that what a product reads lies in one piece.

A strip is some columns wide, and has a row for each step along k. In the copy, rows follow one another without gaps,
and are filled up to whole vectors. ``copy`` is for rows that are contiguous, ``transpose`` for contiguous columns. The
functions take positions and distances in bytes, and numbers of rows, columns, and vectors in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.compiler.emit.ir import INT64, Value
from wengert.compiler.native.gemm_writer import Writer, Written

__all__ = ["PARAMETERS", "pack_ir"]

PARAMETERS = "i64 %source, i64 %target, i64 %bk, i64 %bn, i64 %count, i64 %columns, i64 %vectors"
"""What the functions take; ``bk`` and ``bn`` are the source's distances between rows and between columns."""


def pack_ir(kind: str, name: str, dtype: np.dtype[Any], vector_bytes: int, widest: int) -> Written:
    """The function ``name``; ``kind`` is ``"copy"`` or ``"transpose"``, ``widest`` the most vectors of a row."""
    writer = Writer(dtype, vector_bytes)
    if kind == "copy":
        _copy(writer, widest)
    else:
        _transpose(writer)
    return writer.function(name, PARAMETERS)


def _copy(w: Writer, widest: int) -> None:
    before = w.minus("%vectors", 1)
    mask = w.mask_of(w.minus("%columns", w.times(before, w.lanes)))
    row = w.times("%vectors", w.vector_bytes)

    def body(_: str, values: list[Value]) -> list[Value]:
        source, target = (w.pointer(value.text) for value in values)

        def one(v: int, mask: str) -> list[Value]:
            w.store(w.load(w.further(source, v * w.vector_bytes), mask), w.further(target, v * w.vector_bytes))
            return []

        for v in range(widest):
            if v < widest - 1:
                w.builder.when(w.new(f"icmp sgt i64 {before}, {v}"), [], lambda v=v: one(v, ""))  # type: ignore[misc]
            w.builder.when(w.new(f"icmp eq i64 {before}, {v}"), [], lambda v=v: one(v, mask))  # type: ignore[misc]
        return [Value(INT64, 1, w.plus(values[0].text, "%bk")), Value(INT64, 1, w.plus(values[1].text, row))]

    w.builder.loop("0", "%count", 1, [Value(INT64, 1, "%source"), Value(INT64, 1, "%target")], body)


def _transpose(w: Writer) -> None:
    """Squares of numbers: the last along k overlaps with the one before; columns that aren't there repeat the last."""
    side = min(w.lanes, 8)
    narrow = Writer(w.dtype, side * w.size)
    narrow.builder, narrow.new = w.builder, w.new
    mask = narrow.mask_of(w.least("%count", side))
    spare = w.minus("%count", side)
    furthest = w.new(f"select i1 {w.new(f'icmp slt i64 {spare}, 0')}, i64 0, i64 {spare}")
    row, end = w.times("%vectors", w.vector_bytes), w.minus("%columns", 1)

    def of_columns(j: str, _: list[Value]) -> list[Value]:
        starts = [w.plus("%source", w.times(w.least(w.plus(j, r), end), "%bn")) for r in range(side)]
        target = w.plus("%target", w.times(j, w.size))

        def square(k: str, _: list[Value]) -> list[Value]:
            k = w.least(k, furthest)
            along = w.times(k, w.size)
            given = [narrow.load(w.pointer(w.plus(start, along)), mask) for start in starts]
            line = w.plus(target, w.times(k, row))
            for r, text in enumerate(_transposed(narrow, given)):
                line = w.plus(line, row) if r else line
                narrow.store(text, w.pointer(line))
            return []

        w.builder.loop("0", "%count", side, [], square)
        return []

    w.builder.loop("0", w.times("%vectors", w.lanes), side, [], of_columns)


def _transposed(w: Writer, rows: Sequence[str]) -> list[str]:
    """The columns of a square: halves of ever larger squares change places."""
    side, done = len(rows), list(rows)
    half = 1
    while half < side:
        low = [lane if not lane & half else lane - half + side for lane in range(side)]
        high = [lane + half if not lane & half else lane + side for lane in range(side)]
        for r in range(side):
            if not r & half:
                x, y = done[r], done[r + half]
                done[r], done[r + half] = w.shuffled(x, y, low), w.shuffled(x, y, high)
        half *= 2
    return done
