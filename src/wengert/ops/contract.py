"""Products with sums in them: matrix products, inner and outer products, tensor contractions, traces."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import dot, ndarray

from wengert._types import Array
from wengert.core.dispatch import operand
from wengert.core.op import Like, Rule
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite, linear, multilinear

__all__ = ["conjugate"]

Axes = Sequence[int]


def conjugate(x: Array) -> Array:
    """The conjugate, of real numbers without a call."""
    return x.conj() if x.dtype.kind == "c" else x


def _adjoint(x: Array) -> Array:
    """The conjugate transposes of the matrices in the last two axes."""
    x = conjugate(x)
    return x.T if x.ndim == 2 else x.swapaxes(-1, -2)


def _rows(x: Array) -> Array:
    """All but the last axis merged into one."""
    return np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _column(x: Array) -> Array:
    """Vectors along the last axis as matrices of one column."""
    return np.reshape(x, (*x.shape, 1))


def _row(x: Array) -> Array:
    """Vectors along the last axis as matrices of one row."""
    return np.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


def _times(matrices: Array, vectors: Array) -> Array:
    """Matrices in the last two axes times vectors along the last axis."""
    return (matrices @ _column(vectors))[..., 0]


# Matrix products. For a pair of plain matrices np.dot is quicker than np.matmul, much so where the product is an outer
# one, as in a layer of a network that sees one example at a time.


def _matmul_by_a(g: Array, a_like: Any, b: Array, axes: Any = None) -> Array:
    if type(g) is ndarray and type(b) is ndarray and g.ndim == 2 == b.ndim and b.dtype.kind != "c" and axes is None:
        return dot(g, b.T)
    if axes is not None:
        return _elsewhere(_matmul_by_a, g, a_like, b, axes[0], axes[1], axes[2])
    if b.ndim == 1:
        return (g if a_like.ndim == 1 else _column(g)) * conjugate(b)
    if a_like.ndim == 1:
        return conjugate(b) @ g if b.ndim == 2 else _times(conjugate(b), g)
    if b.ndim == 2 and g.ndim > 2:
        return np.reshape(_rows(g) @ _adjoint(b), a_like.shape)
    if a_like.ndim == 2 and b.ndim > 2:
        batch = (*range(g.ndim - 2), g.ndim - 1)
        return np.tensordot(g, conjugate(b), (batch, batch))
    return g @ _adjoint(b)


def _matmul_by_b(g: Array, a: Array, b_like: Any, axes: Any = None) -> Array:
    if type(g) is ndarray and type(a) is ndarray and g.ndim == 2 == a.ndim and a.dtype.kind != "c" and axes is None:
        return dot(a.T, g)
    if axes is not None:
        return _elsewhere(lambda g, like, a: _matmul_by_b(g, a, like), g, b_like, a, axes[1], axes[0], axes[2])
    if a.ndim == 1:
        return conjugate(a) * g if b_like.ndim == 1 else _column(conjugate(a)) * _row(g)
    if b_like.ndim == 1:
        return np.reshape(g, (-1,)) @ _rows(conjugate(a)) if g.size else np.zeros(b_like.shape, g.dtype)
    if b_like.ndim == 2 and a.ndim > 2:
        return _adjoint(_rows(a)) @ _rows(g)
    return _adjoint(a) @ g


def _elsewhere(
    pull: Callable[..., Array], g: Array, like: Any, other: Array, own: Any, others: Any, result: Any
) -> Array:
    """``pull(g, like, other)`` where a call names the axes of its vectors and matrices; otherwise they are the last."""
    own, others, result = [(x,) if isinstance(x, int) else tuple(x) for x in (own, others, result)]
    own = [i - like.ndim if i >= 0 else i for i in own]
    rest = [n for i, n in enumerate(like.shape) if i - like.ndim not in own]
    moved = Like((*rest, *[like.shape[i] for i in own]), like.dtype)
    r = pull(_last(g, result), moved, _last(other, others))
    return np.moveaxis(r, range(-len(own), 0), own)


def _last(x: Array, axes: Axes) -> Array:
    return np.moveaxis(x, axes, range(-len(axes), 0)) if len(axes) else x


def _products(rng: np.random.Generator) -> list[Call]:
    """Vectors and matrices."""

    def pair(a: tuple[int, ...], b: tuple[int, ...]) -> Call:
        return call(rng.normal(size=a), rng.normal(size=b))

    return [
        pair((2, 3), (3, 5)), pair((3,), (3,)), pair((3,), (3, 2)), pair((2, 3), (3,)), pair((1, 3), (3, 2)),
        pair((0, 3), (3, 2)), pair((2, 0), (0, 3)),
    ]  # fmt: skip


def _batches(rng: np.random.Generator) -> list[Call]:
    """The same, and stacks of them."""

    def pair(a: tuple[int, ...], b: tuple[int, ...]) -> Call:
        return call(rng.normal(size=a), rng.normal(size=b))

    return [
        *_products(rng),
        pair((2, 2, 3), (2, 3, 2)), pair((2, 1, 2, 3), (2, 3, 1)), pair((2, 2, 3), (3, 2)), pair((2, 3), (2, 3, 2)),
        pair((3,), (2, 3, 2)), pair((2, 2, 3), (3,)), pair((1, 2, 3), (2, 3, 2)), pair((0, 2, 3), (3,)),
        call(rng.normal(size=(3, 2, 2)), rng.normal(size=(2, 3, 2)), axes=[(2, 0), (1, 2), (0, 1)]),
    ]  # fmt: skip


multilinear(np.matmul, a=_matmul_by_a, b=_matmul_by_b, samples=_batches, analytic=True)

# Contractions of any axes with any others. The result has the axes left of the first, then those left of the second.


def _left(ndim: int, axes: Axes) -> list[int]:
    return [i for i in range(ndim) if i not in axes]


def _in_place(r: Array, places: Axes) -> Array:
    """``r`` with its axis ``k`` moved to ``places[k]``."""
    return r if list(places) == list(range(len(places))) else np.transpose(r, np.argsort(places))


def _contract_by_a(g: Array, ndim: int, b: Array, a_axes: Axes, b_axes: Axes) -> Array:
    left_a, left_b = _left(ndim, a_axes), _left(b.ndim, b_axes)
    r = np.tensordot(g, conjugate(b), (list(range(len(left_a), g.ndim)), left_b))
    return _in_place(r, [*left_a, *[a_axes[k] for k in np.argsort(b_axes)]])


def _contract_by_b(g: Array, a: Array, ndim: int, a_axes: Axes, b_axes: Axes) -> Array:
    left_a, left_b = _left(a.ndim, a_axes), _left(ndim, b_axes)
    r = np.tensordot(conjugate(a), g, (left_a, list(range(len(left_a)))))
    return _in_place(r, [*[b_axes[k] for k in np.argsort(a_axes)], *left_b])


def _dot_axes(a_ndim: int, b_ndim: int) -> tuple[Axes, Axes]:
    return ((a_ndim - 1,), (max(b_ndim - 2, 0),)) if a_ndim and b_ndim else ((), ())


def _dot_by_a(g: Array, a_like: Any, b: Array) -> Array:
    if 1 <= a_like.ndim <= 2 and 1 <= b.ndim <= 2:
        return _matmul_by_a(g, a_like, b)
    return _contract_by_a(g, a_like.ndim, b, *_dot_axes(a_like.ndim, b.ndim))


def _dot_by_b(g: Array, a: Array, b_like: Any) -> Array:
    if 1 <= a.ndim <= 2 and 1 <= b_like.ndim <= 2:
        return _matmul_by_b(g, a, b_like)
    return _contract_by_b(g, a, b_like.ndim, *_dot_axes(a.ndim, b_like.ndim))


multilinear(
    np.dot,
    "a b out",
    a=_dot_by_a,
    b=_dot_by_b,
    samples=lambda rng: [
        *_products(rng),
        call(rng.normal(size=()), rng.normal(size=(2, 3))),
        call(rng.normal(size=(2, 3)), rng.normal(size=())),
        call(rng.normal(size=(2, 2, 3)), rng.normal(size=(3,))),
        call(rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 3, 2))),
        call(rng.normal(size=3), rng.normal(size=(2, 3, 2))),
    ],
    analytic=True,
)


def _inner_axes(a_ndim: int, b_ndim: int) -> tuple[Axes, Axes]:
    return ((a_ndim - 1,), (b_ndim - 1,)) if a_ndim and b_ndim else ((), ())


multilinear(
    np.inner,
    "a b",
    a=lambda g, a_like, b: _contract_by_a(g, a_like.ndim, b, *_inner_axes(a_like.ndim, b.ndim)),
    b=lambda g, a, b_like: _contract_by_b(g, a, b_like.ndim, *_inner_axes(a.ndim, b_like.ndim)),
    samples=lambda rng: [
        call(rng.normal(size=3), rng.normal(size=3)),
        call(rng.normal(size=(2, 3)), rng.normal(size=(5, 3))),
        call(rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 3))),
        call(rng.normal(size=()), rng.normal(size=(2, 3))),
    ],
    analytic=True,
)


def _tensordot_axes(axes: Any, a_ndim: int, b_ndim: int) -> tuple[Axes, Axes]:
    """``axes`` of ``np.tensordot`` as two lists, counted from the front."""
    if isinstance(axes, int | np.integer):
        return range(a_ndim - int(axes), a_ndim), range(int(axes))
    a_axes, b_axes = [(x,) if isinstance(x, int | np.integer) else tuple(x) for x in axes]
    return [i % a_ndim for i in a_axes], [i % b_ndim for i in b_axes]


multilinear(
    np.tensordot,
    "a b axes",
    a=lambda g, a_like, b, axes=2: _contract_by_a(g, a_like.ndim, b, *_tensordot_axes(axes, a_like.ndim, b.ndim)),
    b=lambda g, a, b_like, axes=2: _contract_by_b(g, a, b_like.ndim, *_tensordot_axes(axes, a.ndim, b_like.ndim)),
    samples=lambda rng: [
        call(rng.normal(size=(2, 3, 2)), rng.normal(size=(3, 2, 2))),
        call(rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), 1),
        call(rng.normal(size=(2, 3)), rng.normal(size=2), 0),
        call(rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 2, 3)), axes=([2, 0], [0, 1])),
        call(rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 3, 2)), axes=((0, -1, 1), (2, 0, -2))),
        call(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), axes=(1, -1)),
        call(rng.normal(size=(0, 3)), rng.normal(size=(3, 2)), axes=1),
    ],
    analytic=True,
)

# Inner and outer products of what arrays hold, whatever their shapes


def _vector(x: Array) -> Array:
    return np.reshape(x, (-1,))


multilinear(
    np.vdot,
    "a b",
    a=lambda g, a_like, b: np.reshape(conjugate(g) * b, a_like.shape),
    b=lambda g, a, b_like: np.reshape(g * a, b_like.shape),
    samples=lambda rng: [
        call(rng.normal(size=(2, 3)), rng.normal(size=(3, 2))),
        call(rng.normal(size=3) + 1j * rng.normal(size=3), rng.normal(size=3) - 1j * rng.normal(size=3)),
        call(rng.normal(size=3) + 1j * rng.normal(size=3), rng.normal(size=3)),
        call(rng.normal(size=()), rng.normal(size=(1, 1))),
    ],
)
multilinear(
    np.outer,
    "a b out",
    a=lambda g, a_like, b: np.reshape(dot(g, conjugate(_vector(b))), a_like.shape),
    b=lambda g, a, b_like: np.reshape(dot(conjugate(_vector(a)), g), b_like.shape),
    samples=lambda rng: [
        call(rng.normal(size=3), rng.normal(size=2)),
        call(rng.normal(size=(2, 2)), rng.normal(size=(1, 3))),
        call(rng.normal(size=()), rng.normal(size=2)),
        call(rng.normal(size=0), rng.normal(size=2)),
    ],
    analytic=True,
)


@composite(
    np.kron,
    samples=lambda rng: [
        call(rng.normal(size=(2, 3)), rng.normal(size=(3, 2))),
        call(rng.normal(size=2), rng.normal(size=(2, 3))),
        call(rng.normal(size=(2, 1, 2)), rng.normal(size=3)),
        call(rng.normal(size=()), rng.normal(size=3)),
    ],
    analytic=True,
)
def _kron(a: Array, b: Array) -> Array:
    a, b = operand(a), operand(b)
    ndim = max(np.ndim(a), np.ndim(b))
    a_shape = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    b_shape = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(a, [n for m in a_shape for n in (m, 1)]) * np.reshape(b, [n for m in b_shape for n in (1, m)])
    return np.reshape(blocks, [n * m for n, m in zip(a_shape, b_shape, strict=True)])


# Stacks of vectors and matrices. The first factor of np.vecdot and np.vecmat is conjugated.


def _stacked(function: Callable[..., Any], shapes: list[Any], by_a: Rule, by_b: Rule) -> None:
    """Enter one of NumPy's products of stacks. Its rules are for vectors and matrices in the last axes."""

    def resolved(axes: Any, axis: int | None, keepdims: bool) -> list[Any] | None:
        if axis is not None:
            axes = [axis, axis]
        if axes is None:
            if not keepdims:
                return None
            axes = [-1, -1]
        return [*axes, axes[0] if keepdims else ()] if len(axes) == 2 else list(axes)

    def dropped(g: Array, axes: list[Any], keepdims: bool) -> tuple[Array, Any]:
        return (np.squeeze(g, axes[2]), ()) if keepdims else (g, axes[2])

    def pull_a(
        g: Array, a_like: Any, b: Array, axes: Any = None, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        where = resolved(axes, axis, keepdims)
        if where is None:
            return by_a(g, a_like, b)
        g, place = dropped(g, where, keepdims)
        return _elsewhere(by_a, g, a_like, b, where[0], where[1], place)

    def pull_b(
        g: Array, a: Array, b_like: Any, axes: Any = None, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        where = resolved(axes, axis, keepdims)
        if where is None:
            return by_b(g, b_like, a)
        g, place = dropped(g, where, keepdims)
        return _elsewhere(by_b, g, b_like, a, where[1], where[0], place)

    def samples(rng: np.random.Generator) -> list[Call]:
        return [
            call(*[rng.normal(size=s) + (1j * rng.normal(size=s) if k % 2 else 0.0) for s in (a, b)], **kwargs)
            for k, (a, b, kwargs) in enumerate(shapes)
        ]

    multilinear(function, a=pull_a, b=pull_b, samples=samples)


_stacked(
    np.vecdot,
    [
        ((3,), (3,), {}),
        ((2, 3), (2, 3), {}),
        ((2, 1, 3), (2, 3), {}),
        ((2, 3), (3,), {}),
        ((3, 2), (3, 2), {"axis": 0}),
        ((2, 3), (2, 3), {"axis": -1, "keepdims": True}),
        ((3, 2), (2, 3), {"axes": [0, 1, ()]}),
    ],
    lambda g, like, b: _column(conjugate(g)) * b,
    lambda g, like, a: _column(g) * a,
)
if hasattr(np, "matvec"):  # since NumPy 2.2
    _stacked(
        np.matvec,
        [
            ((2, 3), (3,), {}),
            ((2, 2, 3), (2, 3), {}),
            ((2, 3), (2, 3), {}),
            ((3, 2, 2), (3, 2), {"axes": [(1, 0), 0, 0]}),
        ],
        lambda g, like, b: _column(g) * _row(conjugate(b)),
        lambda g, like, a: _times(_adjoint(a), g),
    )
    _stacked(
        np.vecmat,
        [
            ((2,), (2, 3), {}),
            ((2, 3), (2, 3, 2), {}),
            ((2, 2), (2, 3), {}),
            ((3, 2), (2, 2, 3), {"axes": [0, (2, 0), -1]}),
        ],
        lambda g, like, b: _times(b, conjugate(g)),
        lambda g, like, a: _column(a) * _row(g),
    )

# Traces


def _trace_pull(g: Array, a_like: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    diagonal = np.eye(a_like.shape[axis1], a_like.shape[axis2], offset, dtype=bool)
    r = np.where(diagonal, np.reshape(g, (*g.shape, 1, 1)), np.zeros((), g.dtype))
    return np.moveaxis(r, (-2, -1), (axis1, axis2))


linear(
    np.trace,
    "a offset axis1 axis2 dtype out",
    a=_trace_pull,
    samples=lambda rng: [
        call(rng.normal(size=(3, 3))),
        call(rng.normal(size=(3, 5)), 1),
        call(rng.normal(size=(2, 3, 4)), -1, 2, 0),
        call(rng.normal(size=(2, 3, 4)), axis1=-1, axis2=1),
    ],
    selects=True,
    analytic=True,
)
