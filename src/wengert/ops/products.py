"""Cross products; and products along axes, right also where elements are zero, to any order of derivative."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy import ndarray

from wengert._types import Array, Axis, Shape
from wengert.core.registry import register_function
from wengert.ops.cases import Call, call
from wengert.ops.contract import conjugate
from wengert.ops.entries import composite, structured
from wengert.ops.reduce import axes_of, keep, selective
from wengert.ops.shape import array_of

__all__ = ["apart", "is_safe_divisor", "lined_up"]


def lined_up(x: Array, axis: Axis) -> Array:
    """``x`` with the axes ``axis`` merged into one, the last."""
    axes = sorted(axes_of(axis, x.ndim))
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = np.transpose(x, (*rest, *axes)) if rest and axes else x
    n = 1
    for i in axes:
        n *= x.shape[i]
    return np.reshape(moved, (*[x.shape[i] for i in rest], n))


def apart(x: Array, shape: Shape, axis: Axis) -> Array:
    """The inverse of :func:`lined_up`."""
    axes = sorted(axes_of(axis, len(shape)))
    order = (*[i for i in range(len(shape)) if i not in axes], *axes)
    moved = np.reshape(x, tuple([shape[i] for i in order]))
    return np.transpose(moved, np.argsort(order)) if order else moved


def is_safe_divisor(a: Array, y: Array) -> bool:
    """Whether products can be had by dividing a larger one, ``y``, by elements of ``a``: none is zero or underflows."""
    if type(a) is not ndarray or not isinstance(y, ndarray | np.generic):
        return False
    smallest = np.absolute(y).min(initial=np.inf)
    return bool(smallest > np.finfo(y.dtype).tiny and smallest < np.inf)


def _others(x: Array) -> Array:
    """For each element along the last axis the product of all others.

    Halves of the axis are multiplied pair by pair, and so on until one product is left; on the way back each product
    is told what it is to be multiplied by. That takes 3n multiplications and no division.
    """
    n = x.shape[-1]
    if n <= 1:
        return np.ones(x.shape, x.dtype)
    half = n // 2
    left, right, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    pairs = left * right
    outside = _others(np.concatenate([pairs, rest], axis=-1) if n % 2 else pairs)
    around = outside[..., :half]
    return np.concatenate([around * right, around * left, outside[..., half:]], axis=-1)


def _prod_pull(g: Array, a: Array, y: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    if is_safe_divisor(a, y):
        others = keep(y, a.shape, axis, keepdims) / a
    else:
        others = apart(_others(lined_up(a, axis)), a.shape, axis)
    return keep(g, a.shape, axis, keepdims) * conjugate(others)


def _samples(rng: np.random.Generator) -> list[Call]:
    a = rng.uniform(0.5, 1.5, (2, 3, 5)) * rng.choice([-1.0, 1.0], (2, 3, 5))
    none = np.array([[1.5, 0.0, -0.5], [0.7, -1.2, 2.0]])
    two = np.array([0.0, 1.5, 0.0, -0.5])
    return [
        call(a[..., :2]),
        call(a, axis=1),
        call(a, axis=-1, keepdims=True),
        call(a, axis=(0, 2)),
        call(none, axis=(-1, 0), keepdims=True),
        call(a[0], axis=()),
        call(a[0, 0, 0]),
        call(none),
        call(none, axis=0),
        call(none, axis=1),
        call(two),
        call(np.zeros(3)),
        call(np.array([1e-200, -2e-200, 1.5, 1.0])),
        call(none, axis=1, where=np.array([True, True, False]), initial=2.5),
        call(a[:, :0], axis=1),
    ]


_MULTIPLY_UP: Any = np.multiply.reduce

structured(
    np.prod,
    "a axis dtype",
    evaluate=lambda a, axis=None, dtype=None, keepdims=False: _MULTIPLY_UP(a, axis, dtype, None, keepdims),
    a=_prod_pull,
    samples=_samples,
    kinks=[
        (call(np.array([0.0, 2.0, 3.0])), (np.array([6.0, 0.0, 0.0]),)),
        (call(np.array([0.0, 2.0, 0.0])), (np.zeros(3),)),
        (call(np.array([[0.0, 2.0], [3.0, 4.0]]), axis=1), (np.array([[2.0, 0.0], [4.0, 3.0]]),)),
    ],
    analytic=True,
)
register_function(np.prod, selective(np.prod, "a axis dtype out keepdims initial where", 1, np.multiply))


# Cross products


def _crossed(rng: np.random.Generator) -> list[Call]:
    def pair(a: tuple[int, ...], b: tuple[int, ...], **axes: int) -> Call:
        return call(rng.normal(size=a), rng.normal(size=b), **axes)

    return [
        pair((3,), (3,)),
        pair((2, 3), (3,)),
        pair((2, 1, 3), (4, 3)),
        pair((3, 2), (3, 2), axis=0),
        pair((3, 2), (2, 3), axisa=0, axisc=0),
    ]


@composite(np.cross, samples=_crossed, analytic=True)
def _cross(a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(array_of(a), axisa, -1), np.moveaxis(array_of(b), axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError(f"np.cross takes vectors of 3 components; the shapes are {a.shape} and {b.shape}.")
    if 2 in (a.shape[-1], b.shape[-1]):
        warnings.warn(
            "Arrays of 2-dimensional vectors are deprecated; use 3-dimensional ones.", DeprecationWarning, stacklevel=2
        )
    if a.shape[-1] == 2 == b.shape[-1]:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    (a0, a1, a2), (b0, b1, b2) = _components(a), _components(b)
    return np.stack(np.broadcast_arrays(a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0), axis=axisc)


def _components(x: Array) -> list[Array]:
    """The three components of vectors; a third that is missing is zero."""
    parts = [x[..., i] for i in range(x.shape[-1])]
    return parts if len(parts) == 3 else [*parts, np.zeros(x.shape[:-1], x.dtype)]
