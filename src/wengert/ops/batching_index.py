"""Reading and writing by position on a batch: which index into the whole array does what an index does to each example.

Positions that are the same for all examples are behind a slice that takes every example. Positions that differ from
example to example are joined by the number of the example. NumPy puts the axes that arrays of positions give in the
place of those arrays, or in front of all others if something stands between them; :class:`_Plan` keeps account of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Params
from wengert.core.aliasing import blank, region
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.ops.batching import Mapped, aligned, batch_rule, laid_out, one_by_one

__all__: list[str] = []

_ALL = slice(None)
_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})
_COMPLEX_PARTS = frozenset({"real", "imag", "view_as_real", "view_as_complex"})


class _Plan:
    """What becomes of an index for one example.

    ``index`` is that into the whole array. The result's axes for one example are ``before`` that come from slices, then
    ``wide`` that come from arrays of positions, then the rest, ``ndim`` in all.
    """

    __slots__ = ("before", "by_example", "index", "is_apart", "ndim", "wide")

    def __init__(self, index: Any, shape: tuple[int, ...], count: int, mapped: bool) -> None:
        parts = [p.item() if isinstance(p, np.generic) else p for p in (index if type(index) is tuple else (index,))]
        self.by_example = any([type(p) is Mapped for p in parts])
        if self.by_example:
            parts = _without_masks(parts)
        found = [type(p) in (np.ndarray, Mapped, bool) for p in parts]
        chosen = [i for i, p in enumerate(parts) if found[i] or (type(p) is int and any(found))]
        consumed = sum(map(_consumed, parts))
        widths = [_consumed(p) + (p is Ellipsis) * (len(shape) - consumed) for p in parts]
        given = [
            1 if p is None else 0 if type(p) is int or i in chosen else n
            for i, (p, n) in enumerate(zip(parts, widths, strict=True))
        ]
        rest = sum(given) + (0 if any([p is Ellipsis for p in parts]) else len(shape) - consumed)
        self.is_apart = bool(chosen) and chosen != list(range(chosen[0], chosen[-1] + 1))
        self.wide = max([_width(parts[i]) for i in chosen], default=0)
        self.before = sum(given[: chosen[0]]) if chosen and not self.is_apart else 0
        self.ndim = rest + self.wide
        if not self.by_example:
            self.index: Any = (_ALL, *parts)
            return
        parts = [aligned(p.array, self.wide) if type(p) is Mapped else p for p in parts]
        if mapped:
            parts.insert(0, np.arange(count).reshape((-1,) + (1,) * self.wide))
        self.index = tuple(parts)

    def as_examples(self, y: Array, mapped: bool) -> Array:
        """What ``index`` reads, with the batch axis in front of the axes in the order of one example."""
        if not self.by_example:
            return np.moveaxis(y, self.wide, 0) if self.is_apart else y
        if not mapped:
            return np.moveaxis(y, self.before, 0) if self.before else y
        if self.before == 0 or self.wide == 0:
            return y
        return np.moveaxis(y, range(1, self.wide + 1), range(self.before + 1, self.before + 1 + self.wide))

    def as_read(self, value: Array, mapped: bool) -> Array:
        """The inverse, for a value that is written to a whole array."""
        surplus = np.ndim(value) - mapped - self.ndim
        if surplus > 0:  # an assignment drops axes of length 1 in front
            shape = np.shape(value)
            value = np.reshape(value, (*shape[:mapped], *shape[mapped + surplus :]))
        if not mapped:
            if not (self.is_apart if not self.by_example else self.before and self.wide):
                return value
            value = np.reshape(value, (1,) * (self.ndim + 1 - np.ndim(value)) + np.shape(value))
        value = aligned(value, self.ndim)
        if not self.by_example:
            return np.moveaxis(value, 0, self.wide) if self.is_apart else value
        if self.before == 0 or self.wide == 0:
            return value
        return np.moveaxis(value, range(self.before + 1, self.before + 1 + self.wide), range(1, self.wide + 1))


def _is_all(part: Any) -> bool:
    return type(part) is slice and part == _ALL


def _without_masks(parts: Sequence[Any]) -> list[Any]:
    """``parts`` with positions in place of masks."""
    made: list[Any] = []
    for p in parts:
        made += np.nonzero(p) if type(p) is np.ndarray and p.dtype.kind == "b" and p.ndim else [p]
    return made


def _consumed(part: Any) -> int:
    """How many axes a part of an index is for; of an ellipsis, at least."""
    if part is None or part is Ellipsis or type(part) is bool:
        return 0
    return part.ndim if type(part) is np.ndarray and part.dtype.kind == "b" else 1


def _width(part: Any) -> int:
    """How many axes an array of positions gives."""
    if type(part) is Mapped:
        ndim: int = part.array.ndim - 1
        return ndim
    if type(part) is bool or (type(part) is np.ndarray and part.dtype.kind == "b"):
        return 1
    return int(np.ndim(part))


def _has_scalar_mask(index: Any) -> bool:
    parts = index if type(index) is tuple else (index,)
    return any([type(p) is Mapped for p in parts]) and any([type(p) is bool for p in parts])


@batch_rule("getitem")
def _read(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    index = params["index"]
    (x,), (is_mapped,) = xs, mapped
    parts = index if type(index) is tuple else (index,)
    if is_mapped and _BASIC.issuperset(map(type, parts)):
        return apply(op, (x,), {"index": (_ALL, *parts)})
    last = parts[-1] if parts else None
    if is_mapped and type(last) is np.ndarray and last.dtype.kind in "iu" and all(map(_is_all, parts[:-1])):
        return apply(OPS["take"], (x,), {"indices": last, "axis": len(parts)})
    if _has_scalar_mask(index):
        return one_by_one(op, xs, mapped, params, count)
    plan = _Plan(index, np.shape(x)[is_mapped:], count, is_mapped)
    return plan.as_examples(apply(op, (x,), {"index": plan.index}), is_mapped)


@batch_rule("take")
def _take(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    indices, axis = params["indices"], params["axis"]
    if type(indices) is Mapped:
        return _read(OPS["getitem"], xs, mapped, {"index": (*(_ALL,) * axis, indices)}, count)
    return apply(op, xs, {"indices": indices, "axis": axis + 1})


@batch_rule("update", "add_at")
def _write(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x, value), (x_mapped, value_mapped) = xs, mapped
    index, path = params["index"], params.get("path", ())
    if _has_scalar_mask(index) or any([step.name in _COMPLEX_PARTS for step, _ in path]):
        return one_by_one(op, xs, mapped, params, count)
    if not x_mapped:
        x = np.copy(np.broadcast_to(x, (count, *np.shape(x))), "C")
    if path:
        return _write_through(op, x, value, value_mapped, params, count)
    plan = _Plan(index, x.shape[1:], count, True)
    return apply(op, (x, plan.as_read(value, value_mapped)), {"index": plan.index})


def _write_through(op: Op, x: Array, value: Array, value_mapped: bool, params: Params, count: int) -> Array:
    """An update of what a path leads to: of the elements at those positions, counted in the order of ``x``."""
    shape, order = x.shape[1:], params["order"]
    size = int(np.prod(shape, dtype=int))
    positions = blank(shape, np.dtype(np.intp), order)
    positions[...] = np.arange(size).reshape(shape)
    shown = region(positions, params["path"])
    plan = _Plan(params["index"], shown.shape, count, False)
    line: Array = np.reshape(x, (count, size))
    surplus = np.ndim(value) - value_mapped - plan.ndim
    if surplus > 0:
        value = np.reshape(value, (*np.shape(value)[:value_mapped], *np.shape(value)[value_mapped + surplus :]))
    if plan.by_example:
        places = plan.as_examples(apply(OPS["getitem"], (shown,), {"index": plan.index}), False)
        index: Any = (np.arange(count).reshape((-1,) + (1,) * plan.ndim), places)
    else:
        index = (_ALL, np.asarray(shown[params["index"]]))
    line = apply(op, (line, aligned(value, plan.ndim) if value_mapped else value), {"index": index})
    return laid_out(np.reshape(line, x.shape), order)


@batch_rule("spread")
def _spread(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    shape = params["shape"]
    if any([_has_scalar_mask(index) for index in params["indices"]]):
        return one_by_one(op, xs, mapped, params, count)
    indices, values = [], []
    for x, m, index in zip(xs, mapped, params["indices"], strict=True):
        plan = _Plan(index, shape, count, True)
        indices.append(plan.index)
        values.append(plan.as_read(x if m else np.broadcast_to(x, (count, *np.shape(x))), True))
    return apply(op, values, {**params, "indices": tuple(indices), "shape": (count, *shape)})
