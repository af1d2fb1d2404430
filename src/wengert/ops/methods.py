"""Methods of ufuncs: ``reduce``, ``accumulate``, ``reduceat``, ``outer``, ``at``.

Sums, products and extrema have entries of their own. The methods of any other ufunc are what their documentation says
they are: the ufunc applied again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from wengert._types import Array, Axis
from wengert.core.aliasing import assign, deliver, keeps_gradient, known, region
from wengert.core.arraymethods import converted
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op
from wengert.core.registry import UFUNC_METHODS, UFUNCS, register
from wengert.errors import UnsupportedFunction
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite
from wengert.ops.index import check_writable, plain_index, read_at, replaced, spread, updated
from wengert.ops.products import lined_up
from wengert.ops.queries import plain_tree
from wengert.ops.reduce import axes_of, keep, restrict

# reduce


def _named(ufunc: np.ufunc, function: Callable[..., Any], samples: Callable[[np.random.Generator], list[Call]]) -> None:
    """Let ``ufunc.reduce`` be ``function``, which reduces all axes unless told otherwise."""

    @composite(ufunc.reduce, samples=samples)
    def reduction(
        array: Array, axis: Axis = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, **kwargs: Any
    ) -> Array:
        array = operand(array)
        if dtype is not None and array.dtype != dtype:
            array = converted(array, dtype)
        target = out[0] if isinstance(out, tuple) else out  # as ufuncs hand it on
        return function(array, axis=axis, out=target, keepdims=keepdims, **kwargs)


def _reductions(rng: np.random.Generator) -> list[Call]:
    a = rng.normal(size=(2, 3))
    return [call(a), call(a, axis=None), call(a, -1, keepdims=True), call(a, axis=(0, 1), initial=0.5)]


_named(np.add, np.sum, _reductions)
_named(np.multiply, np.prod, _reductions)
_named(np.maximum, np.max, _reductions)
_named(np.minimum, np.min, _reductions)
_named(np.fmax, np.nanmax, _reductions)
_named(np.fmin, np.nanmin, _reductions)


def _exp_shares(a: Array, y: Array, axis: Axis, keepdims: bool, exp: np.ufunc) -> Array:
    """``exp(a − y)``, the shares of elements in a sum of exponentials; equal shares of equal infinities."""
    y = keep(y, a.shape, axis, keepdims)
    infinite = np.isinf(y)
    source = infinite & (a == y)
    shares = exp(np.where(source, 0.0, a) - np.where(source, 0.0, y))
    sources = np.where(infinite, np.add.reduce(source, axis=axis, keepdims=True), 1)
    return (shares / sources).astype(a.dtype)


def _log_of_sum_op(ufunc: np.ufunc, exp: np.ufunc) -> Op:
    """The logarithm of a sum of exponentials."""

    def evaluate(array: Array, axis: Axis = 0, keepdims: bool = False) -> Array:
        return ufunc.reduce(array, axis, keepdims=keepdims)

    def pull(g: Array, array: Array, y: Array, axis: Axis = 0, keepdims: bool = False) -> Array:
        return keep(g, array.shape, axis, keepdims) * _exp_shares(array, y, axis, keepdims, exp)

    def push(t: Array, array: Array, y: Array, axis: Axis = 0, keepdims: bool = False) -> Array:
        return np.sum(_exp_shares(array, y, axis, keepdims, exp) * t, axis=axis, keepdims=keepdims)

    return register(Op(f"{ufunc.__name__}.reduce", "structured", evaluate, ("array",), (pull,), (push,)))


def _log_of_sum(ufunc: np.ufunc, exp: np.ufunc) -> None:
    """Let ``ufunc.reduce`` be the logarithm of a sum of exponentials."""
    op = _log_of_sum_op(ufunc, exp)
    low = np.full((2, 2), -np.inf)
    mixed = np.array([[-np.inf, 0.0], [np.inf, np.inf]])

    @composite(
        ufunc.reduce,
        samples=lambda rng: [
            *_reductions(rng),
            call(rng.normal(size=(2, 3)), axis=1, where=np.array([True, False, True])),
            call(100.0 * rng.normal(size=3)),
            call(rng.normal(size=(2, 0))),
        ],
        kinks=[
            (call(low, axis=None), (np.full((2, 2), 0.25),)),
            (call(low, axis=1), (np.full((2, 2), 0.5),)),
            (call(mixed, axis=1), (np.array([[0.0, 1.0], [0.5, 0.5]]),)),
        ],
    )
    def reduction(
        array: Array,
        axis: Axis = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Array = None,
        where: Array = True,
    ) -> Array:
        array = operand(array)
        if dtype is not None and array.dtype != dtype:
            array = converted(array, dtype)
        if where is not True:
            array = restrict(array, where, -np.inf)
        y = apply(op, (array,), {"axis": axis, "keepdims": keepdims})
        if initial is not None:
            y = ufunc(initial, y)
        return y if out is None else deliver(y, out, f"np.{op.name}")


_log_of_sum(np.logaddexp, np.exp)
_log_of_sum(np.logaddexp2, np.exp2)


def _answers(ufunc: np.ufunc) -> bool:
    """Whether ``ufunc`` gives truth values or whole numbers, hence no derivative."""
    op = UFUNCS.get(ufunc)
    return op is not None and op.is_constant and "dd->d" not in ufunc.types


_ANSWER = register(Op("answer", "constant", lambda array, method, **params: method(array, **params), ("array",)))
"""A method of a ufunc that gives truth values or whole numbers."""


def _check(method: Callable[..., Any], array: Array, *args: Any) -> None:
    """NumPy's own errors, for a call on ones of the same kind: about dtypes, axes, and the order of reductions."""
    method(np.ones((1,) * array.ndim, array.dtype), *args)


def _slices(array: Array, axis: int) -> list[Array]:
    return [array[(slice(None),) * axis + (i,)] for i in range(array.shape[axis])]


def _reduce(
    ufunc: np.ufunc,
    array: Array,
    axis: Axis = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Array = None,
    where: Array = True,
) -> Array:
    """Slice after slice, from the first or from ``initial``."""
    array = operand(array)
    name = f"np.{ufunc.__name__}.reduce"
    if _answers(ufunc):
        chosen = {"where": plain_tree(where)} | ({} if initial is None else {"initial": plain_tree(initial)})
        params = {"method": ufunc.reduce, "axis": axis, "dtype": dtype, "keepdims": keepdims, **chosen}
        return deliver(apply(_ANSWER, (plain_tree(array),), params), out, name)
    _check(ufunc.reduce, array, axis, dtype)
    if dtype is not None:
        array = converted(array, dtype)
    mask = None if where is True else lined_up(np.broadcast_to(plain_tree(where), array.shape), axis)
    if initial is None and (mask is not None or 0 in lined_up(array, axis).shape[-1:]):
        if ufunc.identity is None:
            raise ValueError(f"{name} has no identity, so where= and empty axes need initial=.")
        initial = np.asarray(ufunc.identity, array.dtype)
    y = _fold(ufunc, lined_up(array, axis), initial, mask)
    if keepdims:
        y = keep(y, array.shape, axes_of(axis, array.ndim), False)
    return deliver(y, out, name)


def _fold(ufunc: np.ufunc, array: Array, initial: Array, mask: Any) -> Array:
    """The reduction along the last axis."""
    parts = _slices(array, array.ndim - 1)
    y = parts.pop(0) if initial is None else np.broadcast_to(operand(initial), array.shape[:-1])
    for k, part in enumerate(parts):
        joined = ufunc(y, part)
        y = joined if mask is None else np.where(mask[..., k], joined, y)
    return y


def _accumulate(ufunc: np.ufunc, array: Array, axis: int = 0, dtype: Any = None, out: Any = None) -> Array:
    """All results on the way of a reduction."""
    array = operand(array)
    name = f"np.{ufunc.__name__}.accumulate"
    if _answers(ufunc):
        params = {"method": ufunc.accumulate, "axis": axis, "dtype": dtype}
        return deliver(apply(_ANSWER, (plain_tree(array),), params), out, name)
    _check(ufunc.accumulate, array, axis, dtype)
    if dtype is not None:
        array = converted(array, dtype)
    (axis,) = axes_of(axis, array.ndim)
    results = _slices(array, axis)
    for i in range(1, len(results)):
        results[i] = ufunc(results[i - 1], results[i])
    return deliver(np.stack(results, axis=axis) if results else array, out, name)


def _stretches(indices: Any, n: int, name: str) -> list[range]:
    """What ``reduceat`` reduces: from each index up to the next; where that would run backwards, one element."""
    starts = [int(i) for i in known(indices, name)]
    if not all(0 <= i < n for i in starts):
        raise IndexError(f"{name}: indices {starts} for an axis of {n} elements.")
    return [range(i, j if i < j else i + 1) for i, j in pairwise([*starts, n])]


def _reduceat(ufunc: np.ufunc, array: Array, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Array:
    array = operand(array)
    name = f"np.{ufunc.__name__}.reduceat"
    if _answers(ufunc):
        params = {"method": ufunc.reduceat, "indices": plain_index(indices), "axis": axis, "dtype": dtype}
        return deliver(apply(_ANSWER, (plain_tree(array),), params), out, name)
    _check(ufunc.reduceat, array, [0], axis, dtype)
    (axis,) = axes_of(axis, array.ndim)
    before = (slice(None),) * axis
    parts = [array[(*before, slice(r.start, r.stop))] for r in _stretches(indices, array.shape[axis], name)]
    results = [ufunc.reduce(part, axis=axis, dtype=dtype) for part in parts]
    return deliver(np.stack(results, axis=axis), out, name)


def _pull_sums(g: Array, array_like: Any, indices: Any, axis: int) -> Array:
    """Each sum's cotangent at all elements that it is of."""
    stretches = _stretches(indices, array_like.shape[axis], "np.add.reduceat")
    sums = np.repeat(np.arange(len(stretches)), [len(r) for r in stretches])
    places = np.concatenate([np.array(r) for r in stretches])
    index = (*(slice(None),) * axis, places)
    return spread([index], [np.take(g, sums, axis)], array_like.shape, array_like.dtype)


_SUMS = register(
    Op(
        "add.reduceat",
        "linear",
        lambda array, indices, axis: np.add.reduceat(array, indices, axis),
        ("array",),
        (_pull_sums,),
    )
)


@composite(
    np.add.reduceat,
    samples=lambda rng: [
        call(rng.normal(size=5), [0, 3, 1, 1]),
        call(rng.normal(size=(2, 4)), [0, 2], axis=-1),
        call(rng.normal(size=(3, 2)), np.array([2, 0])),
    ],
)
def _add_reduceat(array: Array, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Array:
    array = operand(array)
    _check(np.add.reduceat, array, [0], axis, dtype)
    if dtype is not None:
        array = converted(array, dtype)
    (axis,) = axes_of(axis, array.ndim)
    index = np.array(known(indices, name := "np.add.reduceat"), np.intp)
    return deliver(apply(_SUMS, (array,), {"indices": index, "axis": axis}), out, name)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Array:
    """Each element of ``a`` with each of ``b``."""
    a, b = operand(a), operand(b)
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **kwargs)


# at


def _added(g: Array, index: Any, path: Any = (), order: Any = "C") -> Array:
    """The cotangent of what was added."""
    return read_at(region(g, path), index)


_ADD_AT: Op = register(
    Op(
        "add_at",
        "linear",
        lambda x, value, **where: updated(x, value, op=_ADD_AT, **where),
        ("x", "value"),
        (lambda g: g, _added),
        update=np.add.at,
        pull_in_place=lambda g, node: (
            g,
            None if node.parents[1] is None else np.array(_added(g, **node.params)),
        ),
    )
)


def _at(ufunc: np.ufunc, x: Any, indices: Any, b: Any = None) -> None:
    """``x[indices] = ufunc(x[indices], b)``, where an element that is named twice takes part twice."""
    value = None if b is None else operand(b)
    if not isinstance(x, Box):
        _refuse_plain(ufunc, x, indices, value)
        return
    index = plain_index(indices)
    x._current()
    if value is not None:
        check_writable(x, value)
    if ufunc is np.add:
        assign(x, index, value, _ADD_AT)
    elif ufunc is np.subtract and value is not None:
        assign(x, index, np.negative(value), _ADD_AT)
    else:
        x[...] = np.reshape(_round_by_round(ufunc, x, index, value), x.shape)  # type: ignore[index]


def _refuse_plain(ufunc: np.ufunc, x: Any, indices: Any, value: Any) -> None:
    """``at`` on a plain array, for which traced values are out of place; anything else is NumPy's business."""
    if keeps_gradient(value):
        raise UnsupportedFunction(
            f"np.{ufunc.__name__}.at was asked to work traced values into a plain array, which would lose their "
            "gradient. Make the array a tensor first: x = wg.tensor(x)."
        )
    ufunc.at(x, plain_tree(indices), *([] if value is None else [plain_tree(value)]))


def _round_by_round(ufunc: np.ufunc, x: Array, index: Any, value: Array) -> Array:
    """The flat ``x`` after ``at``; in each round no element is named twice."""
    places = np.arange(x.size).reshape(x.shape)[index]
    if value is not None:
        value = np.reshape(np.broadcast_to(value, places.shape), (-1,))
    flat, places = np.reshape(x, (-1,)), places.reshape(-1)
    order = np.argsort(places, kind="stable")
    firsts = np.searchsorted(places[order], places[order])
    rounds = np.empty(len(places), np.intp)
    rounds[order] = np.arange(len(places)) - firsts
    for k in range(rounds.max(initial=-1) + 1):
        chosen = np.flatnonzero(rounds == k)
        now = flat[places[chosen]]
        flat = replaced(flat, places[chosen], ufunc(now) if value is None else ufunc(now, value[chosen]))
    return flat


UFUNC_METHODS.update(reduce=_reduce, accumulate=_accumulate, reduceat=_reduceat, outer=_outer, at=_at)


@composite(
    np.bincount,
    samples=lambda rng: [
        call(np.array([0, 3, 3, 1, 0]), rng.normal(size=5)),
        call(np.array([2, 2]), rng.normal(size=2), minlength=4),
    ],
)
def _bincount(x: Array, /, weights: Array = None, minlength: int = 0) -> Array:
    places = known(x, "np.bincount")
    if not isinstance(weights, Box):
        return np.bincount(places, weights, minlength)
    counts = np.bincount(places, minlength=minlength)
    return apply(_ADD_AT, (np.zeros(counts.shape), weights), {"index": places})
