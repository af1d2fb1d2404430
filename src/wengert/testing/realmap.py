"""A function and its arguments as a map between vectors of real numbers, which is what oracles differentiate.

Whatever containers the arguments and the value are made of, the floating-point and complex leaves of the arguments
are the map's variables, and those of the value its results; all else is held fixed. A complex number counts as two
real ones, its real and its imaginary part, one after the other. Gradients follow suit: wengert's gradient by a complex
``z`` is ``∂f/∂Re z + i ∂f/∂Im z``, so its two parts are the derivatives by the two real variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.tensor import Tensor, tensor
from wengert.core.arraylike import ArrayLike
from wengert.core.trees import flatten, is_leaf
from wengert.errors import InputError, OutputError
from wengert.transforms.arguments import name_of

__all__ = ["RealMap", "Vector", "boxed", "inner", "name_of", "parts", "plain", "random_like"]

Vector = np.ndarray[Any, np.dtype[np.float64]]


class RealMap:
    """``f`` at ``args`` as a function of its variables: a list of arrays, or a vector of all their real numbers."""

    __slots__ = ("_build", "_leaves", "_places", "f", "variables")

    def __init__(self, f: Callable[..., Tree], args: Sequence[Tree]) -> None:
        if not isinstance(args, tuple | list):
            raise InputError(f"args is a tuple of arguments, got {type(args).__name__}; for one argument write (x,).")
        self.f = f
        self._leaves, self._build = flatten(tuple(args))
        self._places = [i for i, x in enumerate(self._leaves) if _kind(x) in ("f", "c")]
        self.variables: list[Any] = [self._leaves[i] for i in self._places]
        if not self.variables:
            raise InputError("None of the arguments is an array or number of floating-point or complex type.")

    def __call__(self, *variables: Array) -> list[Array]:
        """The results: the inexact leaves of the value of ``f`` at these variables."""
        results = flatten(self.f(*self.arguments(variables)))[0]
        for y in results:
            if not is_leaf(y):
                raise OutputError(f"The function returned a {type(y).__name__} where an array or a number is needed.")
        return [y if isinstance(y, ArrayLike) else np.asarray(y)[()] for y in results if _kind(y) in ("f", "c")]

    def traced(self, *variables: Array) -> list[Array]:
        """The same for transformations: results that do not depend on traced variables become constant tensors."""
        return [boxed(y) for y in self(*variables)]

    def arguments(self, variables: Sequence[Array]) -> tuple[Tree, ...]:
        """The arguments with ``variables`` in place of those given."""
        leaves = list(self._leaves)
        for i, x in zip(self._places, variables, strict=True):
            leaves[i] = x
        made: tuple[Tree, ...] = self._build(leaves)
        return made

    def point(self) -> Vector:
        """The variables' values as one vector."""
        return parts(self.variables)

    def unflatten(self, vector: np.ndarray[Any, Any]) -> list[Array]:
        """The variables from a vector, laid out as the given ones. (Where all are real, from a complex vector too.)"""
        made: list[Array] = []
        start = 0
        for x in map(np.asarray, self.variables):
            size = x.size * (2 if x.dtype.kind == "c" else 1)
            part = np.array(vector[start : start + size])
            if x.dtype.kind == "c":
                part = part.view(np.complex128)
            made.append(np.empty_like(x, dtype=part.dtype))
            made[-1][...] = part.reshape(x.shape)
            start += size
        return made

    def directions(self, rng: np.random.Generator) -> list[Array]:
        """Random numbers in the variables' shapes and dtypes."""
        return random_like(self.variables, rng)

    def values(self, vector: Vector) -> Vector:
        """The results as a vector, at the variables given by a vector."""
        return parts(self(*self.unflatten(vector)))

    def along(self, direction: Vector) -> Callable[[float], Vector]:
        """The results on the line through the point in ``direction``."""
        point = self.point()
        return lambda s: self.values(point + s * direction)


def parts(arrays: Sequence[Array]) -> Vector:
    """All real numbers of plain arrays as one vector of double precision."""
    made = [np.ravel(np.asarray(x)) for x in arrays]
    wide = [
        np.ascontiguousarray(x, np.complex128).view(np.float64) if x.dtype.kind == "c" else x.astype(np.float64)
        for x in made
    ]
    return np.concatenate([np.zeros(0), *wide])


def random_like(arrays: Sequence[Array], rng: np.random.Generator) -> list[Array]:
    """Normally distributed numbers in the shapes and dtypes of ``arrays``."""
    made = []
    for x in arrays:
        like = x if isinstance(x, ArrayLike) else np.asarray(x)
        r = np.asarray(rng.normal(size=like.shape))
        made.append((r + 1j * rng.normal(size=like.shape) if like.dtype.kind == "c" else r).astype(like.dtype))
    return made


def inner(weights: Sequence[Array], arrays: Sequence[Array]) -> Array:
    """The real inner product ``Σ Re(conj(w)·a)``, differentiable in ``arrays``."""
    total: Array = tensor(0.0, constant=True)
    for w, a in zip(weights, arrays, strict=True):
        product = np.conj(w) * (a if isinstance(a, ArrayLike) else np.asarray(a))
        total = total + np.sum(np.real(product) if product.dtype.kind == "c" else product)
    return total


def boxed(y: Array) -> Array:
    """``y``, as a constant tensor if it is a plain array."""
    return y if isinstance(y, ArrayLike) else tensor(y, constant=True)


def plain(y: Array) -> np.ndarray[Any, Any]:
    """The array that a result holds."""
    return np.asarray(y.data if isinstance(y, Tensor) else y)


def _kind(x: Any) -> str:
    if isinstance(x, ArrayLike):
        return x.dtype.kind
    return np.asarray(x).dtype.kind if is_leaf(x) else ""
