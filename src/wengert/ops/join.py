"""Several arrays made into one, and one into several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert._types import Array
from wengert.core.aliasing import deliver
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call, drawn
from wengert.ops.entries import composite
from wengert.ops.index import check_writable, plain_index, read_at
from wengert.ops.shape import array_of, at_least

__all__ = ["along"]


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that is ``index`` along ``axis`` (not negative) and takes all of the axes before and after it."""
    return (*(slice(None),) * axis, index)


def _several(*shapes: tuple[int, ...], **kwargs: Any) -> Callable[[np.random.Generator], list[Call]]:
    """A sample whose first argument is a list of arrays."""
    return lambda rng: [call([rng.normal(size=s) for s in shapes], **kwargs)]


def _all(*samples: Callable[[np.random.Generator], list[Call]]) -> Callable[[np.random.Generator], list[Call]]:
    return lambda rng: [one for sample in samples for one in sample(rng)]


# Joining


def _parted(g: Array, likes: Sequence[Any], axis: int | None = 0) -> list[Array]:
    """The parts of ``g`` that came from each of the arrays joined."""
    if axis is None:
        sizes = [int(np.prod(x.shape)) for x in likes]
        axis = 0
    else:
        axis = normalize_axis_index(axis, g.ndim)
        sizes = [x.shape[axis] for x in likes]
    parts, start = [], 0
    for size, like in zip(sizes, likes, strict=True):
        part = g[along(axis, slice(start, start + size))]
        parts.append(part if part.shape == like.shape else part.reshape(like.shape))
        start += size
    return parts


def _concatenated(*xs: Array, axis: int | None = 0, **kwargs: Any) -> Array:
    return np.concatenate(xs, axis, **kwargs)


CONCATENATE: Op = register(Op("concatenate", "linear", _concatenated, ("*xs",), joint=_parted))


@composite(
    np.concatenate,
    samples=_all(
        _several((2, 3), (4, 3)), _several((2, 3), (2, 1), (2, 4), axis=1), _several((2, 3), (2, 2), axis=-1),
        _several((2, 3), (2,), axis=None), _several((3,)), _several((0, 3), (2, 3)), _several((2,), (3,), dtype=float),
    ),
)  # fmt: skip
def _concatenate(arrays: Any, axis: int | None = 0, out: Any = None, **kwargs: Any) -> Array:
    return deliver(apply(CONCATENATE, [array_of(x) for x in arrays], {"axis": axis, **kwargs}), out, "np.concatenate")


def _unstacked(g: Array, likes: Sequence[Any], axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, g.ndim)
    return [g[along(axis, i)] for i in range(len(likes))]


def _stacked(*xs: Array, axis: int = 0, **kwargs: Any) -> Array:
    return np.stack(xs, axis, **kwargs)


STACK: Op = register(Op("stack", "linear", _stacked, ("*xs",), joint=_unstacked))


@composite(
    np.stack,
    samples=_all(
        _several((2, 3), (2, 3)), _several((3,), (3,), (3,), axis=1), _several((2, 3), (2, 3), axis=-2),
        _several((), ()), _several((0,), (0,)),
    ),
)  # fmt: skip
def _stack(arrays: Any, axis: int = 0, out: Any = None, **kwargs: Any) -> Array:
    return deliver(apply(STACK, [array_of(x) for x in arrays], {"axis": axis, **kwargs}), out, "np.stack")


def _joiner(
    function: Any, prepare: Callable[[Array], Array], axis: Callable[[Sequence[Array]], int], samples: Any
) -> None:
    """``function`` as ``np.concatenate`` of its arguments, each prepared, along an axis that depends on them."""

    @composite(function, samples=samples)
    def join(tup: Any, **kwargs: Any) -> Array:
        arrays = [prepare(array_of(x)) for x in tup]
        return np.concatenate(arrays, axis(arrays), **kwargs)


_joiner(
    np.hstack, lambda x: at_least(1, x), lambda xs: 0 if xs and xs[0].ndim == 1 else 1,
    _all(_several((2,), (3,)), _several((2, 3), (2, 1)), _several((), ())),
)  # fmt: skip
_joiner(
    np.vstack, lambda x: at_least(2, x), lambda xs: 0,
    _all(_several((3,), (3,)), _several((2, 3), (3,), (1, 3)), _several((), ())),
)  # fmt: skip
_joiner(
    np.dstack, lambda x: at_least(3, x), lambda xs: 2,
    _all(_several((3,), (3,)), _several((2, 3), (2, 3)), _several((), ())),
)  # fmt: skip
_joiner(
    np.column_stack, lambda x: x if x.ndim >= 2 else np.transpose(at_least(2, x)), lambda xs: 1,
    _all(_several((3,), (3,)), _several((2, 3), (2,)), _several((), ())),
)  # fmt: skip


@composite(
    np.block,
    samples=lambda r: [
        call([[r.normal(size=(2, 2)), r.normal(size=(2, 3))], [r.normal(size=(1, 2)), r.normal(size=(1, 3))]]),
        call([r.normal(size=2), r.normal(size=3), r.normal(size=())]),
        call(r.normal(size=(2, 2))),
    ],
)
def _block(arrays: Any) -> Array:
    depth = _depth(arrays)
    ndim = max([depth, *[x.ndim for x in _leaves(arrays)]])
    made = _joined_block(arrays, depth, ndim)
    return np.copy(made) if depth == 0 else made


def _depth(nested: Any) -> int:
    if not isinstance(nested, list):
        return 0
    depths = {_depth(part) for part in nested}
    if len(depths) != 1:
        raise ValueError("np.block takes lists nested to the same depth everywhere, none of them empty.")
    return 1 + depths.pop()


def _leaves(nested: Any) -> list[Array]:
    return [x for part in nested for x in _leaves(part)] if isinstance(nested, list) else [array_of(nested)]


def _joined_block(nested: Any, depth: int, ndim: int) -> Array:
    if not isinstance(nested, list):
        x = array_of(nested)
        return np.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return np.concatenate([_joined_block(part, depth - 1, ndim) for part in nested], axis=-depth)


@composite(
    np.append,
    samples=lambda r: [
        call(r.normal(size=(2, 3)), r.normal(size=2)),
        call(r.normal(size=(2, 3)), r.normal(size=(1, 3)), axis=0),
        call(r.normal(size=2), r.normal(size=())),
    ],
)
def _append(arr: Array, values: Array, axis: int | None = None) -> Array:
    return np.concatenate([array_of(arr), array_of(values)], axis)


@composite(
    np.insert,
    samples=lambda r: [
        call(r.normal(size=4), 1, r.normal(size=())),
        call(r.normal(size=4), [0, 3, 3], r.normal(size=3)),
        call(r.normal(size=(2, 3)), 1, r.normal(size=3), axis=0),
        call(r.normal(size=(2, 3)), [1], r.normal(size=(2, 1)), axis=1),
        call(r.normal(size=(2, 3)), -1, r.normal(size=2), axis=-1),
        call(r.normal(size=(2, 3)), slice(0, 2), r.normal(size=()), axis=1),
    ],
)
def _insert(arr: Array, obj: Any, values: Any, axis: int | None = None) -> Array:
    arr, values = array_of(arr), array_of(values)
    check_writable(arr, values)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    n = arr.shape[axis]
    indices = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(plain_index(obj))
    if indices.dtype == bool:
        indices = np.flatnonzero(indices)
    if np.any((indices < -n) | (indices > n)):
        raise IndexError(f"insert: index {obj} is out of bounds for axis {axis} with size {n}.")
    indices = np.where(indices < 0, indices + n, indices)
    extra = arr.ndim - values.ndim
    values = np.reshape(values, (1,) * extra + values.shape)
    if indices.size == 1:
        if indices.ndim == 0:  # as in NumPy, everything in values goes to the one place
            values = np.moveaxis(values, 0, axis)
        places = indices.item() + np.arange(values.shape[axis])
    else:
        places = np.empty(indices.size, np.intp)
        rank = np.argsort(indices, kind="stable")
        places[rank] = indices[rank] + np.arange(indices.size)
    if extra < 0:
        values = np.reshape(values, values.shape[-extra:])
    shape = (*arr.shape[:axis], len(places), *arr.shape[axis + 1 :])
    joined = np.concatenate([arr, np.broadcast_to(values, shape)], axis, dtype=arr.dtype, casting="unsafe")
    order = np.full(n + len(places), -1)
    order[places] = n + np.arange(len(places))
    order[order < 0] = np.arange(n)
    return np.take(joined, order, axis)


# Taking apart


@composite(
    np.array_split,
    samples=drawn(((5,), 3), ((5, 2), [1, 3]), ((2, 5), 2, 1), ((2, 5), {"indices_or_sections": 2, "axis": -1})),
)
def _array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, ary.ndim)
    n = ary.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"array_split: the number of sections is {sections}; it must be positive.")
        each, extra = divmod(n, sections)
        ends = [0, *np.cumsum([each + 1] * extra + [each] * (sections - extra)).tolist()]
    else:
        ends = [0, *[int(i) for i in indices_or_sections], n]
    return [read_at(ary, along(axis, slice(start, end))) for start, end in pairwise(ends)]


@composite(np.split, samples=drawn(((4,), 2), ((5, 2), [1, 3]), ((2, 4), 2, 1), ((2, 3), (1, 5), {"axis": -1})))
def _split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"split: axis {axis} of length {ary.shape[axis]} can't be divided into {indices_or_sections} equal parts; "
            "np.array_split takes unequal ones."
        )
    return np.array_split(ary, indices_or_sections, axis)


def _splitter(function: Any, ndim: int, axis: Callable[[Array], int], samples: Any) -> None:
    @composite(function, samples=samples)
    def split(ary: Array, indices_or_sections: Any) -> list[Array]:
        if ary.ndim < ndim:
            raise ValueError(f"{function.__name__} takes an array with {ndim} or more axes; its shape is {ary.shape}.")
        return np.split(ary, indices_or_sections, axis(ary))


_splitter(np.hsplit, 1, lambda x: 0 if x.ndim == 1 else 1, drawn(((4,), 2), ((2, 4), [1])))
_splitter(np.vsplit, 2, lambda x: 0, drawn(((4, 2), 2), ((3, 2), [1])))
_splitter(np.dsplit, 3, lambda x: 2, drawn(((2, 1, 4), 2)))


def _unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    if x.ndim == 0:
        raise ValueError("unstack takes an array with at least one axis; this one has none.")
    axis = normalize_axis_index(axis, x.ndim)
    return tuple([read_at(x, along(axis, i)) for i in range(x.shape[axis])])


if hasattr(np, "unstack"):  # NumPy 2.1
    composite(np.unstack, samples=drawn(((2, 3),), ((2, 3), {"axis": -1})))(_unstack)
