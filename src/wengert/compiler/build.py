"""The builder of primitive graphs: makes each value once, and none that simpler ones stand for.

Common subexpressions, constant folding and the identities of arithmetic live here, in the functions that make values,
so every pass that builds a graph gets them. Only identities that hold for every floating-point number are used:
``x * 1`` is ``x``, but ``x * 0`` is not 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from wengert._types import Shape
from wengert.compiler.functions import FUNCTIONS, TESTS
from wengert.compiler.graph import Affine, Graph, Source, Value

__all__ = ["Builder", "dense_strides", "is_native"]

Dtype = np.dtype[Any]
BOOL = np.dtype(bool)
INT = np.dtype(np.int64)
_SMALL = 1 << 16
"""Bytes up to which equal constant arrays are made one."""


def is_native(dtype: Dtype) -> bool:
    """Whether kernels compute with numbers of this dtype."""
    return dtype.isnative and (dtype.kind in "biu" or dtype.char in "fd")


@lru_cache(4096)
def dense_strides(shape: Shape) -> tuple[int, ...]:
    """Steps of a dense array in C order, in elements."""
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


class Builder:
    """Adds values to a graph. ``source`` is the line that what is being built comes from."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.source: Source | None = None
        self._made: dict[Any, Value] = {}

    def _make(self, prim: str, inputs: tuple[Value, ...], attrs: Any, shape: Shape, dtype: Dtype) -> Value:
        key = (prim, tuple([x.number for x in inputs]), attrs, shape, dtype)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self.graph.add(Value(prim, inputs, attrs, shape, dtype, self.source))
        return made

    def input(self, shape: Shape, dtype: Dtype) -> Value:
        """The next input."""
        return self.graph.input(shape, dtype)

    def unique(self, prim: str, inputs: tuple[Value, ...], attrs: Any, shape: Shape, dtype: Dtype) -> Value:
        """A value that is never taken for another."""
        return self.graph.add(Value(prim, inputs, attrs, shape, dtype, self.source))

    # Constants

    def number(self, x: Any, dtype: Dtype) -> Value:
        """A number, as a value of no axes."""
        array = np.asarray(x).astype(dtype)
        key = ("constant", array.tobytes(), dtype)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self.graph.add(Value("constant", (), array, (), dtype, self.source))
        return made

    def array(self, x: np.ndarray[Any, Any]) -> Value:
        """An array that never changes. One of equal elements is a number, seen at every place."""
        if x.ndim == 0:
            return self.number(x, x.dtype)
        if x.size and is_native(x.dtype):
            first = x.reshape(-1)[:1]
            if x.size == 1 or (bool((x == first).all()) and not _has_signed_zeros(x)):
                return self.broadcast(self.number(first[0], x.dtype), x.shape)
        if x.dtype.kind == "O" or x.nbytes > _SMALL:
            return self.graph.add(Value("constant", (), np.ascontiguousarray(x), x.shape, x.dtype, self.source))
        key = ("array", x.tobytes(), x.shape, x.dtype)
        made = self._made.get(key)
        if made is None:
            array = np.ascontiguousarray(x)
            made = self._made[key] = self.graph.add(Value("constant", (), array, x.shape, x.dtype, self.source))
        return made

    # Elements

    def map(self, fn: str, *xs: Value, shape: Shape | None = None) -> Value:
        """A scalar function of operands of one dtype (for ``select``, the last two)."""
        shape = broadcast_shape(xs) if shape is None else shape
        dtype = BOOL if fn in TESTS else xs[-1].dtype
        peeled = [self._peel(x, len(shape)) for x in xs]
        simple = self._simplified(fn, peeled, dtype)
        if simple is None:
            inner = broadcast_shape(peeled)
            simple = self._make("map", tuple(peeled), fn, inner, dtype)
        return self.broadcast(simple, shape)

    def cast(self, x: Value, dtype: Dtype) -> Value:
        """``x`` converted."""
        if x.dtype == dtype:
            return x
        shape, x = x.shape, self._peel(x, x.ndim)
        if x.prim == "constant" and x.ndim == 0:
            return self.broadcast(self.number(x.attrs, dtype), shape)
        return self.broadcast(self._make("map", (x,), "cast", x.shape, dtype), shape)

    def index(self, shape: Shape, axis: int) -> Value:
        """The position along an axis."""
        return self._make("index", (), axis, shape, INT)

    def peeled(self, x: Value) -> Value:
        """``x`` as an operand: what it repeats by broadcasting is there once."""
        return self._peel(x, x.ndim)

    def _peel(self, x: Value, ndim: int) -> Value:
        """``x`` without elements that it shows again and again: those axes have length 1 instead."""
        if x.prim == "view" and any([s == 0 and n != 1 for s, n in zip(x.attrs.strides, x.shape, strict=True)]):
            base, affine = x.inputs[0], x.attrs
            shape = tuple([1 if s == 0 else n for s, n in zip(affine.strides, x.shape, strict=True)])
            while shape and shape[0] == 1:
                shape, affine = shape[1:], Affine(affine.offset, affine.strides[1:])
            return self.view(base, shape, affine)
        while x.shape and x.shape[0] == 1 and x.prim == "view":
            x = self.view(x.inputs[0], x.shape[1:], Affine(x.attrs.offset, x.attrs.strides[1:]))
        return x

    def _simplified(self, fn: str, xs: Sequence[Value], dtype: Dtype) -> Value | None:
        """What ``fn`` of ``xs`` is without computing it, if it is something there is."""
        if all([x.prim == "constant" and x.ndim == 0 for x in xs]):
            with np.errstate(all="ignore"):
                return self.number(FUNCTIONS[fn](*[x.attrs for x in xs]), dtype)
        a, b = xs[0], xs[-1]
        whole = broadcast_shape(xs)
        if fn == "mul":
            for x, y in ((a, b), (b, a)):
                c = _constant_of(x)
                if c is not None and y.shape == whole:
                    if c == 1:
                        return y
                    if c == -1 and dtype.kind == "f":
                        return self.map("neg", y)
            if a.prim == b.prim == "map" and a.attrs == b.attrs == "neg":
                return self.map("mul", a.inputs[0], b.inputs[0])
        elif fn == "div":
            c = _constant_of(b)
            if c is not None and a.shape == whole:
                if c == 1:
                    return a
                if dtype.kind == "f" and abs(math.frexp(c)[0]) == 0.5 and 2.0**-100 < abs(c) < 2.0**100:
                    return self.map("mul", a, self.number(1 / c, dtype))
        elif fn == "add":
            if b.prim == "map" and b.attrs == "neg":
                return self.map("sub", a, b.inputs[0])
            if a.prim == "map" and a.attrs == "neg":
                return self.map("sub", b, a.inputs[0])
            for x, y in ((a, b), (b, a)):
                c = _constant_of(x)
                if c is not None and c == 0 and (dtype.kind != "f" or math.copysign(1, c) < 0) and y.shape == whole:
                    return y
        elif fn == "sub":
            if b.prim == "map" and b.attrs == "neg":
                return self.map("add", a, b.inputs[0])
            c = _constant_of(b)
            if c is not None and c == 0 and (dtype.kind != "f" or math.copysign(1, c) > 0) and a.shape == whole:
                return a
        elif fn == "neg" and a.prim == "map" and a.attrs == "neg":
            return a.inputs[0]
        elif fn == "select":
            condition = _constant_of(a)
            if xs[1] is xs[2] and xs[1].shape == whole:
                return xs[1]
            if condition is not None and xs[1 if condition else 2].shape == whole:
                return xs[1 if condition else 2]
        elif fn == "pow":
            return self._power(a, b, whole)
        elif fn in ("and", "or") and dtype == BOOL:
            for x, y in ((a, b), (b, a)):
                c = _constant_of(x)
                if c is not None and y.shape == whole and bool(c) is (fn == "and"):
                    return y
        elif fn == "not" and a.prim == "map" and a.attrs == "not":
            return a.inputs[0]
        return None

    def _power(self, a: Value, b: Value, whole: Shape) -> Value | None:
        """Small powers as products."""
        n = _constant_of(b)
        if n is None or a.shape != whole:
            return None
        if n == 1:
            return a
        if n == 2:
            return self.map("mul", a, a)
        if a.dtype.kind != "f":
            return None
        if n == 3:
            return self.map("mul", self.map("mul", a, a), a)
        if n == 4:
            square = self.map("mul", a, a)
            return self.map("mul", square, square)
        if n == -1:
            return self.map("div", self.number(1, a.dtype), a)
        return None

    # Places

    def view(self, base: Value, shape: Shape, affine: Affine) -> Value:
        """Elements of ``base``, a dense array, at regular places."""
        strides = tuple([0 if n == 1 else s for s, n in zip(affine.strides, shape, strict=True)])
        affine = Affine(affine.offset, strides)
        if base.prim == "view":
            base, start = self._contiguous(base)
            affine = Affine(affine.offset + start, affine.strides)
        if base.prim == "packed" and (part := self._unpacked(base, shape, affine)) is not None:
            return part
        if base.prim == "update" and base.ndim == 1 and (part := self._beside(base, shape, affine)) is not None:
            return part
        if base.size == 1 and 0 not in shape:
            affine = Affine(0, (0,) * len(shape))
        if shape == base.shape and affine.offset == 0:
            dense = dense_strides(shape)
            if all([n == 1 or s == d for n, s, d in zip(shape, strides, dense, strict=True)]):
                return base
        return self._make("view", (base,), affine, shape, base.dtype)

    def _unpacked(self, packed: Value, shape: Shape, affine: Affine) -> Value | None:
        """A view of arrays that are packed into one, if it shows numbers of one of them only."""
        if 0 in shape:
            return self.broadcast(self.number(0, packed.dtype), shape)
        low, high = _ends(shape, affine)
        for x, (start, width, _, dtype) in zip(packed.inputs, packed.attrs, strict=True):
            if start <= low and high < start + width and dtype.kind == "f":
                return self.cast(self.view(x, shape, Affine(affine.offset - start, affine.strides)), packed.dtype)
        return None

    def _beside(self, updated: Value, shape: Shape, affine: Affine) -> Value | None:
        """A view of an updated flat array that shows nothing but what is written to it, or nothing of that."""
        x, new = updated.inputs
        region, kind = updated.attrs
        if 0 in shape or not new.size or new.ndim != 1 or (new.size != 1 and region.strides != (1,)):
            return None
        low, high = _ends(shape, affine)
        start, end = region.offset, region.offset + new.size
        if start <= low and high < end:
            shown = self._shown(new, shape, Affine(affine.offset - start, affine.strides))
            return shown if kind == "set" else self.map("add", self._shown(x, shape, affine), shown)
        return self._shown(x, shape, affine) if high < start or end <= low else None

    def _shown(self, x: Value, shape: Shape, affine: Affine) -> Value:
        """Elements of ``x``, a flat array."""
        if x.prim == "view" and x.attrs.strides == (0,):
            return self.broadcast(self.view(x.inputs[0], (), Affine(x.attrs.offset, ())), shape)
        return self.view(x, shape, affine)

    def _contiguous(self, x: Value) -> tuple[Value, int]:
        """A dense array in which the elements of the view ``x`` follow one another, and where they begin."""
        dense = dense_strides(x.shape)
        if all([n == 1 or s == d for n, s, d in zip(x.shape, x.attrs.strides, dense, strict=True)]):
            return x.inputs[0], x.attrs.offset
        return self.dense(x), 0

    def through(self, x: Value, function: Callable[[Any], Any]) -> Value:
        """What NumPy's ``function`` of views makes of ``x``; where that takes a copy, it is a view of one."""
        base, model = self.model(x)
        y = function(model)
        if not np.may_share_memory(y, base) and y.size:
            copied = self.dense(x)
            base = np.empty(copied.shape, copied.dtype)
            y = function(base)
            x = copied
        itemsize = x.dtype.itemsize
        root = x.inputs[0] if x.prim == "view" else x
        if not y.size:
            return self.view(root, y.shape, Affine(0, dense_strides(y.shape)))
        offset = (y.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // itemsize
        return self.view(root, y.shape, Affine(offset, tuple([s // itemsize for s in y.strides])))

    def model(self, x: Value) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The memory of what ``x`` is a view of, and ``x`` in it; nobody has written there."""
        if x.prim != "view":
            base = np.empty(x.shape, x.dtype)
            return base, base
        root = x.inputs[0]
        base = np.empty(max(root.size, 1), x.dtype)
        strides = [s * x.dtype.itemsize for s in x.attrs.strides]
        return base, as_strided(base[x.attrs.offset :], x.shape, strides)

    def dense(self, x: Value) -> Value:
        """``x`` in memory of its own, not as a view."""
        return self._make("map", (x,), "copy", x.shape, x.dtype) if x.prim == "view" else x

    def reshape(self, x: Value, shape: Shape) -> Value:
        """The same elements in another shape."""
        return x if x.shape == shape else self.through(x, lambda m: m.reshape(shape))

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        """The axes in another order."""
        return self.through(x, lambda m: m.transpose(axes))

    def broadcast(self, x: Value, shape: Shape) -> Value:
        """``x`` repeated along axes."""
        return x if x.shape == shape else self.through(x, lambda m: np.broadcast_to(m, shape))

    def join(self, parts: Sequence[Value], axis: int, shape: Shape, dtype: Dtype) -> Value:
        """Arrays one after another along ``axis``; a view, where they are consecutive parts of one array."""
        parts = [x for x in parts if x.size]
        if not parts:
            return self.broadcast(self.number(0, dtype), shape)
        if len(parts) == 1:
            return parts[0]
        return self._consecutive(parts, axis, shape) or self._make("join", tuple(parts), axis, shape, dtype)

    def _consecutive(self, parts: Sequence[Value], axis: int, shape: Shape) -> Value | None:
        first = parts[0]
        if first.prim != "view":
            return None
        base, strides = first.inputs[0], first.attrs.strides
        if not all([x.prim == "view" and x.inputs[0] is base and x.shape == first.shape for x in parts]):
            return None
        if any([x.attrs.strides != strides for x in parts]):
            return None
        offsets = [x.attrs.offset for x in parts]
        n, step = first.shape[axis], offsets[1] - offsets[0]
        stride = step // n
        even = all([b - a == step for a, b in itertools.pairwise(offsets)])
        if not even or step % n or (n > 1 and strides[axis] != stride):
            return None
        return self.view(base, shape, Affine(offsets[0], (*strides[:axis], stride, *strides[axis + 1 :])))

    # Sums and products

    def reduce(self, kind: str, x: Value, axes: Sequence[int]) -> Value:
        """Combined along ``axes``, which are dropped."""
        axes = tuple(sorted(axes))
        trivial = [i for i in axes if x.shape[i] == 1]
        if trivial:
            x = self.reshape(x, tuple([n for i, n in enumerate(x.shape) if i not in trivial]))
            axes = tuple([i - sum([j < i for j in trivial]) for i in axes if i not in trivial])
        if not axes:
            return x
        shape = tuple([n for i, n in enumerate(x.shape) if i not in axes])
        if x.prim == "view" and x.size:  # what is shown again and again
            again = [i for i in axes if x.attrs.strides[i] == 0]
            if again:
                n = math.prod([x.shape[i] for i in again])
                less = tuple([m for i, m in enumerate(x.shape) if i not in again])
                kept = [s for i, s in enumerate(x.attrs.strides) if i not in again]
                once = self.view(x.inputs[0], less, Affine(x.attrs.offset, tuple(kept)))
                rest = [i - sum([j < i for j in again]) for i in axes if i not in again]
                once = self.reduce(kind, once, rest)
                if n == 1 or kind not in ("sum", "prod"):
                    return once
                if kind == "sum":
                    return self.map("mul", once, self.number(n, x.dtype))
                if x.dtype.kind == "f":
                    return self.map("pow", once, self.number(n, x.dtype))
        return self._make("reduce", (x,), (kind, axes), shape, x.dtype)

    def matmul(self, a: Value, b: Value) -> Value:
        """The product of stacks of matrices."""
        shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
        if 0 in (*a.shape, *b.shape):
            return self.broadcast(self.number(0, a.dtype), shape)
        return self._make("matmul", (a, b), None, shape, a.dtype)


def broadcast_shape(xs: Sequence[Value]) -> Shape:
    """The shape of values that are broadcast together."""
    shapes = {x.shape for x in xs}
    shapes.discard(())
    if len(shapes) > 1:
        return np.broadcast_shapes(*shapes)
    return shapes.pop() if shapes else ()


def _ends(shape: Shape, affine: Affine) -> tuple[int, int]:
    """The first and the last place that a view shows."""
    spans = [(n - 1) * s for n, s in zip(shape, affine.strides, strict=True)]
    return affine.offset + sum([min(s, 0) for s in spans]), affine.offset + sum([max(s, 0) for s in spans])


def _constant_of(x: Value) -> Any:
    return x.attrs.item() if x.prim == "constant" and x.ndim == 0 else None


def _has_signed_zeros(x: np.ndarray[Any, Any]) -> bool:
    return x.dtype.kind in "fc" and not x.any() and bool(np.signbit(x.real).any())
