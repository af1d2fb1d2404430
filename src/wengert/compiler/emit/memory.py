"""Memory of kernels: elements of operands as values of any width, whatever their steps, and positions that are data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from wengert.compiler.emit.analysis import Lanes
from wengert.compiler.emit.ir import BOOL, BYTE, INT64, Builder, Dtype, Value, literal, memory_type, suffix_of, type_of
from wengert.compiler.emit.mathematics import cast, combine
from wengert.compiler.emit.reductions import fold, mask, masked
from wengert.compiler.kernel import REDUCTIONS

__all__ = ["advanced", "load", "load_at", "positions", "report", "store", "store_at"]

CLOSE = 16
"""Elements up to so many bytes apart are read together with those in between."""


def advanced(builder: Builder, dtype: Dtype, pointer: str, elements: str) -> str:
    """A pointer some elements further on."""
    if elements == "0":
        return pointer
    return builder.pure(f"getelementptr {memory_type(dtype)}, ptr {pointer}, i64 {elements}")


def _registers(builder: Builder, dtype: Dtype, width: int, text: str) -> Value:
    """What was read, as it is computed with: bytes become booleans."""
    if dtype.kind != "b":
        return Value(dtype, width, text)
    return cast(builder, Value(BYTE, width, text), BOOL)


def _bytes(builder: Builder, value: Value) -> str:
    """A value as it is kept in memory."""
    if value.dtype.kind != "b":
        return value.text
    return builder.new(f"zext {type_of(BOOL, value.width)} {value.text} to {type_of(BYTE, value.width)}")


def _kept(dtype: Dtype) -> Dtype:
    return BYTE if dtype.kind == "b" else dtype


def _one(builder: Builder, dtype: Dtype, pointer: str) -> str:
    return builder.new(f"load {memory_type(dtype)}, ptr {pointer}, align {dtype.itemsize}")


def load(builder: Builder, dtype: Dtype, pointer: str, step: int, lanes: Lanes) -> Value:
    """Elements ``step`` apart, from ``pointer`` on, an active lane each; a number if all lanes have the same."""
    width, active = lanes
    if step == 0 or width == 1:
        return _registers(builder, dtype, 1, _one(builder, dtype, pointer))
    kind = memory_type(dtype, width)
    if step == 1 and active == width:
        text = builder.new(f"load {kind}, ptr {pointer}, align {dtype.itemsize}")
    elif step == 1:
        name = f"llvm.masked.load.{suffix_of(dtype, width, memory=True)}.p0"
        given = [("ptr", pointer), ("i32", str(dtype.itemsize)), (type_of(BOOL, width), mask(width, active))]
        text = builder.intrinsic(name, kind, [*given, (kind, "zeroinitializer")])
    elif active == width and (step == -1 or abs(step) <= min(CLOSE // dtype.itemsize, 4)):
        text = _close(builder, dtype, pointer, step, width)
    else:
        places = [advanced(builder, dtype, pointer, str(lane * step)) for lane in range(active)]
        text = builder.vector(_kept(dtype), [_one(builder, dtype, place) for place in places], width).text
    return _registers(builder, dtype, width, text)


def _close(builder: Builder, dtype: Dtype, pointer: str, step: int, width: int) -> str:
    """Elements that are near each other, read with those in between."""
    span = abs(step) * (width - 1) + 1
    first = pointer if step > 0 else advanced(builder, dtype, pointer, str(1 - span))
    text = builder.new(f"load {memory_type(dtype, span)}, ptr {first}, align {dtype.itemsize}")
    lanes = range(0, span, step) if step > 0 else range(span - 1, -1, step)
    return builder.shuffle(Value(_kept(dtype), span, text), lanes).text


def store(builder: Builder, value: Value, pointer: str, step: int, lanes: Lanes, use: str) -> None:
    """Write the active lanes, or combine them with what is there."""
    dtype, (width, active) = value.dtype, lanes
    if step == 0 and width > 1:
        value, lanes = _collapsed(builder, value, lanes, use), Lanes(1, 1)
        width = active = 1
    if use in REDUCTIONS:
        there = load(builder, dtype, pointer, step, lanes)
        if there.width != width:
            there = Value(dtype, width, builder.at(there, width))
        value = combine(builder, use, Value(dtype, width, builder.at(value, width)), there)
    value = Value(dtype, width, builder.at(value, width))
    kind = memory_type(dtype, width)
    if width == 1 or (step == 1 and active == width):
        builder.put(f"store {kind} {_bytes(builder, value)}, ptr {pointer}, align {dtype.itemsize}")
    elif step == 1:
        name = f"llvm.masked.store.{suffix_of(dtype, width, memory=True)}.p0"
        given = [(kind, _bytes(builder, value)), ("ptr", pointer), ("i32", str(dtype.itemsize))]
        builder.intrinsic(name, "void", [*given, (type_of(BOOL, width), mask(width, active))])
    elif step == -1 and active == width:
        first = advanced(builder, dtype, pointer, str(1 - width))
        turned = builder.shuffle(Value(_kept(dtype), width, _bytes(builder, value)), range(width - 1, -1, -1))
        builder.put(f"store {kind} {turned.text}, ptr {first}, align {dtype.itemsize}")
    else:
        kept = Value(_kept(dtype), width, _bytes(builder, value))
        for lane in range(active):
            place = advanced(builder, dtype, pointer, str(lane * step))
            _put(builder, kept.dtype, builder.lane(kept, lane), place)


def _put(builder: Builder, dtype: Dtype, text: str, place: str) -> None:
    builder.put(f"store {type_of(dtype)} {text}, ptr {place}, align {dtype.itemsize}")


def _collapsed(builder: Builder, value: Value, lanes: Lanes, use: str) -> Value:
    """What all lanes together leave at one place: the last, or the lanes combined."""
    if use not in REDUCTIONS:
        return value if value.width == 1 else Value(value.dtype, 1, builder.lane(value, lanes.active - 1))
    spread = Value(value.dtype, lanes.width, builder.at(value, lanes.width))
    return fold(builder, use, masked(builder, use, spread, lanes.active))


def positions(
    builder: Builder, args: Sequence[Value], steps: Sequence[int], extents: Sequence[int]
) -> tuple[Value, Value]:
    """The sum of positions times steps, in elements, and whether all are within; one that isn't counts as 0."""
    width = max([arg.width for arg in args])
    number, truth = type_of(INT64, width), type_of(BOOL, width)
    zero = literal(0, INT64, width)
    total, inside = "", ""
    for arg, step, extent in zip(args, steps, extents, strict=True):
        given, limit = builder.at(arg, width), literal(extent, INT64, width)
        negative = builder.new(f"icmp slt {number} {given}, {zero}")
        turned = builder.new(f"add {number} {given}, {limit}")
        position = builder.new(f"select {truth} {negative}, {number} {turned}, {number} {given}")
        within = builder.new(f"icmp ult {number} {position}, {limit}")
        safe = builder.new(f"select {truth} {within}, {number} {position}, {number} {zero}")
        scaled = safe if step == 1 else builder.new(f"mul {number} {safe}, {literal(step, INT64, width)}")
        total = builder.new(f"add {number} {total}, {scaled}") if total else scaled
        inside = builder.new(f"and {truth} {inside}, {within}") if inside else within
    return Value(INT64, width, total), Value(BOOL, width, inside)


def report(builder: Builder, inside: Value, lanes: Lanes, status: str) -> None:
    """Set the status to 1 if an active lane is not inside."""
    width = inside.width
    kind = type_of(BOOL, width)
    outside = builder.new(f"xor {kind} {inside.text}, {literal(True, BOOL, width)}")
    if width > 1:
        if lanes.active < width:
            outside = builder.new(f"and {kind} {outside}, {mask(width, lanes.active)}")
        outside = builder.intrinsic(f"llvm.vector.reduce.or.{suffix_of(BOOL, width)}", "i1", [(kind, outside)])

    def write() -> list[Value]:
        builder.put(f"store i32 1, ptr {status}, align 4")
        return []

    builder.when(outside, [], write)


def load_at(
    builder: Builder, dtype: Dtype, pointer: str, step: int, offsets: Value, lanes: Lanes, empty: bool
) -> Value:
    """Elements at ``offsets`` from where each lane is. ``empty``: there is none to read; 0 stands for it."""
    if empty:
        return Value(dtype, 1, literal(0, dtype), fixed=True)
    if offsets.width == 1:
        return load(builder, dtype, advanced(builder, dtype, pointer, offsets.text), step, lanes)
    width, places, kind = lanes.width, offsets.text, memory_type(dtype, lanes.width)
    numbers, pointers = type_of(INT64, width), f"<{width} x ptr>"
    if step:
        along = ", ".join([f"i64 {lane * step}" for lane in range(width)])
        places = builder.new(f"add {numbers} {places}, <{along}>")
    there = builder.new(f"getelementptr {memory_type(dtype)}, ptr {pointer}, {numbers} {places}")
    given = [(pointers, there), ("i32", str(dtype.itemsize)), (type_of(BOOL, width), mask(width, lanes.active))]
    name = f"llvm.masked.gather.{suffix_of(dtype, width, memory=True)}.v{width}p0"
    text = builder.intrinsic(name, kind, [*given, (kind, "zeroinitializer")])
    return _registers(builder, dtype, width, text)


def store_at(
    builder: Builder, value: Value, pointer: str, step: int, offsets: Value, inside: Value, lanes: Lanes, use: str
) -> None:
    """Write or combine, lane after lane, at ``offsets`` from where each lane is, if that is ``inside``."""
    if offsets.width == 1 and (step or use in REDUCTIONS or lanes.width == 1):
        place = advanced(builder, value.dtype, pointer, offsets.text)
        _if(builder, inside.text, functools.partial(store, builder, value, place, step, lanes, use))
        return
    for lane in range(lanes.active):
        one = Value(value.dtype, 1, builder.lane(value, lane))
        offset = offsets if offsets.width == 1 else Value(INT64, 1, builder.lane(offsets, lane))
        within = inside.text if inside.width == 1 else builder.lane(inside, lane)
        start = advanced(builder, value.dtype, pointer, str(lane * step))
        place = advanced(builder, value.dtype, start, offset.text)
        _if(builder, within, functools.partial(store, builder, one, place, 0, Lanes(1, 1), use))


def _if(builder: Builder, condition: str, body: Callable[[], Any]) -> None:
    def run() -> list[Value]:
        body()
        return []

    builder.when(condition, [], run)
