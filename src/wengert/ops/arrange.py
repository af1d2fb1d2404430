"""Elements repeated, shifted, reversed, cut to a triangle, taken off or put on a diagonal, or sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert._types import Array, Axis
from wengert.core.aliasing import innermost, known
from wengert.core.arraymethods import converted
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call, drawn
from wengert.ops.entries import composite, linear
from wengert.ops.index import read_at, spread
from wengert.ops.shape import at_least

__all__: list[str] = []


# Repeating

REPEAT: Op = register(
    Op(
        "repeat",
        "linear",
        lambda a, repeats, axis: np.repeat(a, repeats, axis),
        ("a",),
        (lambda g, a_like, repeats, axis: np.sum(
            np.reshape(g, (*a_like.shape[: axis + 1], repeats, *a_like.shape[axis + 1 :])), axis=axis + 1
        ),),
    )
)  # fmt: skip


@composite(
    np.repeat,
    samples=drawn(
        ((3,), 2), ((2, 3), 2), ((2, 3), 2, 1), ((2, 3), [1, 0, 2], 1),
        ((2, 3), {"repeats": np.array([2]), "axis": -2}), ((2,), 0), ((), 3), ((0, 2), 2, 0),
    ),
)  # fmt: skip
def _repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    if axis is None:
        a, axis = np.ravel(a), 0
    a = at_least(1, a)
    axis = normalize_axis_index(axis, a.ndim)
    repeats = np.array(known(repeats, "np.repeat"))
    if repeats.size == 1:
        return apply(REPEAT, (a,), {"repeats": int(repeats.item()), "axis": axis})
    return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)


def _untiled(g: Array, shape: tuple[int, ...], reps: tuple[int, ...]) -> Array:
    """The sum of ``g``'s tiles, for as many repetitions as axes."""
    split = np.reshape(g, tuple([n for pair in zip(reps, shape, strict=True) for n in pair]))
    return np.sum(split, axis=tuple(range(0, split.ndim, 2)))


TILE: Op = register(
    Op(
        "tile",
        "linear",
        lambda A, reps: np.tile(A, reps),
        ("A",),
        (lambda g, A_like, reps: _untiled(g, A_like.shape, reps),),
    )
)


@composite(
    np.tile,
    samples=drawn(((3,), 2), ((2, 3), (2, 2)), ((3,), (2, 2)), ((2, 3), 2), ((2, 3), (1,)), ((), 3), ((2,), 0)),
)
def _tile(A: Array, reps: Any) -> Array:
    reps = tuple([int(r) for r in reps]) if np.iterable(reps) else (int(reps),)
    if len(reps) > A.ndim:
        A = np.reshape(A, (1,) * (len(reps) - A.ndim) + A.shape)
    return apply(TILE, (A,), {"reps": (1,) * (A.ndim - len(reps)) + reps})


@composite(np.resize, samples=drawn(((2, 3), (3, 4)), ((3,), 2), ((2, 2), (0,)), ((3,), ())))
def _resize(a: Array, new_shape: Any) -> Array:
    shape = tuple(new_shape) if np.iterable(new_shape) else (new_shape,)
    size = int(np.prod(shape))
    if a.size == 0 and size:
        return np.zeros_like(a, shape=shape)
    return np.reshape(np.take(np.ravel(a), np.arange(size) % max(a.size, 1)), shape)


# Shifting and reversing


def _opposite(shift: Any) -> Any:
    return tuple([-s for s in shift]) if isinstance(shift, tuple | list) else -shift


linear(
    np.roll,
    "a shift axis",
    a=lambda g, shift, axis=None: np.roll(g, _opposite(shift), axis),
    samples=drawn(
        ((5,), 2), ((2, 3), 1), ((2, 3), -1, 1), ((2, 3), (1, 2), (0, 1)), ((2, 3), {"shift": 2, "axis": (0, 1)}),
        ((), 1),
    ),
)  # fmt: skip


@composite(np.flip, samples=drawn(((2, 3),), ((2, 3), 1), ((2, 3), {"axis": (0, -1)}), ((),), ((0, 2),)))
def _flip(m: Array, axis: Axis = None) -> Array:
    axes = range(m.ndim) if axis is None else normalize_axis_tuple(axis, m.ndim)
    return read_at(m, tuple([slice(None, None, -1 if i in axes else None) for i in range(m.ndim)]))


def _flipper(function: Any, axis: int) -> None:
    @composite(function, samples=drawn(((3, 2),), ((2, 3, 2),)))
    def flip(m: Array) -> Array:
        if m.ndim <= axis:
            raise ValueError(f"{function.__name__} takes an array with more than {axis} axes; its shape is {m.shape}.")
        return np.flip(m, axis)


_flipper(np.flipud, 0)
_flipper(np.fliplr, 1)


@composite(
    np.rot90, samples=drawn(((2, 3),), ((2, 3), 2), ((2, 3), -1), ((2, 3), 4), ((2, 3, 2), {"k": 3, "axes": (1, 2)}))
)
def _rot90(m: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    i, j = normalize_axis_tuple(axes, m.ndim)
    k %= 4
    if k == 0:
        return read_at(m, Ellipsis)
    if k == 2:
        return np.flip(m, (i, j))
    return np.swapaxes(np.flip(m, j), i, j) if k == 1 else np.flip(np.swapaxes(m, i, j), j)


# Triangles and diagonals

linear(
    np.tril, "m k", m=lambda g, k=0: np.tril(g, k), selects=True,
    samples=drawn(((3, 4),), ((3, 3), 1), ((2, 3, 3), {"k": -1}), ((3,),), ((0, 2),)),
)  # fmt: skip
linear(
    np.triu, "m k", m=lambda g, k=0: np.triu(g, k), selects=True,
    samples=drawn(((3, 4),), ((3, 3), 1), ((2, 3, 3), {"k": -1}), ((3,),), ((0, 2),)),
)  # fmt: skip


def _on_diagonal(g: Array, a_like: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Zeros of ``a``'s shape, with ``g`` on the diagonal that it was read from."""
    axes = normalize_axis_tuple((axis1, axis2), a_like.ndim)
    rest = [n for i, n in enumerate(a_like.shape) if i not in axes]
    rows = np.arange(g.shape[-1]) + max(-offset, 0)
    columns = np.arange(g.shape[-1]) + max(offset, 0)
    shape = (*rest, a_like.shape[axes[0]], a_like.shape[axes[1]])
    return np.moveaxis(spread([(..., rows, columns)], [g], shape, a_like.dtype), (-2, -1), axes)


linear(
    np.diagonal,
    "a offset axis1 axis2",
    a=_on_diagonal,
    view="read-only",
    selects=True,
    samples=drawn(
        ((3, 3),), ((3, 4), 1), ((3, 4), {"offset": -1}), ((2, 3, 4), 0, 2, 1), ((2, 3, 4), {"axis1": -1, "axis2": 0}),
        ((2, 2), 5), ((0, 2),),
    ),
)  # fmt: skip


@composite(np.linalg.diagonal, samples=drawn(((2, 3),), ((2, 3, 4), {"offset": 1})))
def _matrix_diagonal(x: Array, /, *, offset: int = 0) -> Array:
    return np.diagonal(x, offset, -2, -1)


DIAG: Op = register(
    Op("diag", "linear", lambda v, k: np.diag(v, k), ("v",), (lambda g, k: np.diagonal(g, k),), selects=True)
)


@composite(np.diag, samples=drawn(((3,),), ((3,), 1), ((2,), {"k": -1}), ((3, 4),), ((3, 4), 1), ((0,),)))
def _diag(v: Array, k: int = 0) -> Array:
    if v.ndim not in (1, 2):
        raise ValueError(f"diag takes an array with one axis or two; its shape is {v.shape}.")
    return np.diagonal(v, k) if v.ndim == 2 else apply(DIAG, (v,), {"k": k})


@composite(np.diagflat, samples=drawn(((2, 2),), ((3,), 1), ((), {"k": -1})))
def _diagflat(v: Array, k: int = 0) -> Array:
    return np.diag(np.ravel(v), k)


# Sorting: the permutation is NumPy's for the values at hand, and derivatives follow it


def _sort_samples(rng: np.random.Generator) -> list[Call]:
    return [
        call(rng.permutation(6) + 0.1 * rng.uniform(size=6)),
        call(rng.permutation(6).reshape(2, 3) * 1.0),
        call(rng.permutation(6).reshape(3, 2) * 1.0, 0),
        call(rng.permutation(6).reshape(3, 2) * 1.0, axis=None, kind="stable"),
    ]


@composite(np.sort, samples=_sort_samples)
def _sort(a: Array, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Array:
    if axis is None:
        a, axis = np.ravel(a), 0
    positions = np.argsort(innermost(a), axis=axis, kind="stable" if kind is None else kind)
    return np.take_along_axis(a, positions, axis)


@composite(
    np.partition,
    samples=lambda r: [
        call(r.permutation(3) * 1.0, 1),
        call(r.permutation(6).reshape(3, 2) * 1.0, 1, axis=0),
        call(r.permutation(4).reshape(2, 2) * 1.0, (1, 3), None),
    ],
)
def _partition(a: Array, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Array:
    if axis is None:
        a, axis = np.ravel(a), 0
    positions = apply(_PARTITION, (innermost(a),), {"kth": kth, "axis": axis, "kind": kind})
    return np.take_along_axis(a, positions, axis)


def _partitioned(a: np.ndarray[Any, Any], kth: Any, axis: int, kind: Any) -> np.ndarray[Any, Any]:
    """Where the elements that ``np.partition`` gives come from. ``np.argpartition`` may order the rest otherwise."""
    before, after = [np.argsort(x, axis=axis, kind="stable") for x in (a, np.partition(a, kth, axis, kind))]
    positions = np.empty_like(before)
    np.put_along_axis(positions, after, before, axis)
    return positions


_PARTITION = register(Op("partition", "constant", _partitioned, ("a",)))


@composite(np.sort_complex, samples=lambda r: [call(r.normal(size=4) + 1j * r.normal(size=4)), call(r.normal(size=3))])
def _sort_complex(a: Array) -> Array:
    return converted(np.sort(a), np.sort_complex(np.empty(0, a.dtype)).dtype, copy=False)


# Leaving out


@composite(
    np.delete,
    samples=drawn(
        ((5,), 1), ((5,), [0, -1]), ((2, 3), 1, 1), ((2, 3), slice(0, 2), 1), ((2, 3), {"obj": 4}), ((3,), []),
        ((3,), np.array([True, False, True])),
    ),
)  # fmt: skip
def _delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), known(obj, "np.delete")), axis)


@composite(np.trim_zeros, samples=lambda r: [call(np.array([1.5, 2.0])), call(np.array([2.0, 1.0]), "b")])
def _trim_zeros(filt: Array, trim: str = "fb", axis: Any = None) -> Array:
    plain = known(filt, "np.trim_zeros")
    axes = range(plain.ndim) if axis is None else normalize_axis_tuple(axis, plain.ndim)
    if not plain.any():
        return read_at(filt, tuple([slice(0, 0) if i in axes else slice(None) for i in range(plain.ndim)]))
    index: list[slice] = []
    for i, (first, last) in enumerate([(p.min(), p.max()) for p in np.nonzero(plain)]):
        start = int(first) if "f" in trim.lower() else None
        stop = int(last) + 1 if "b" in trim.lower() else None
        index.append(slice(start, stop) if i in axes else slice(None))
    return read_at(filt, tuple(index))
