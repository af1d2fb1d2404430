"""Arrays as sets of numbers. What a set keeps of equal numbers is the first, and the derivative is by that one."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import known
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite
from wengert.ops.shape import array_of

__all__: list[str] = []


def _few(rng: np.random.Generator) -> Array:
    """Numbers of which none are close together, in random order."""
    return rng.permutation(6) / 3.0 - 0.8


def _sets(rng: np.random.Generator) -> list[Call]:
    """Pairs of arrays that have no numbers in common: if they had, they would not when one of them is varied."""
    return [call(np.array([2.5, -1.0, 0.5, 4.0]), np.array([[0.75, 3.0], [2.25, 7.0]]))]


_ONE = np.array([2.0, 1.0, 3.0, 1.0])
_OTHER = np.array([5.0, 1.0, 3.0])


def _in_common(by_one: list[float], by_other: list[float]) -> Any:
    """The derivatives by two arrays that have numbers in common."""
    return [(call(_ONE, _OTHER), (np.array(by_one), np.array(by_other)))]


@composite(
    np.unique,
    samples=lambda rng: [
        call(_few(rng)),
        call(_few(rng).reshape(2, 3), return_index=True, return_inverse=True, return_counts=True),
        call(_few(rng).reshape(3, 2), axis=0),
        call(_few(rng), return_counts=True, equal_nan=False),
    ],
    kinks=[(call(np.array([2.0, 1.0, 2.0, 2.0, 1.0])), (np.array([1.0, 1.0, 0.0, 0.0, 0.0]),))],
)
def _unique(
    ar: Array,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **options: Any,
) -> Any:
    ar = array_of(ar)
    _, first, *rest = np.unique(known(ar, "np.unique"), True, return_inverse, return_counts, axis, **options)  # type: ignore[call-overload]  # flags are known later
    values = np.take(np.ravel(ar) if axis is None else ar, first, 0 if axis is None else axis)
    made = (values, *([first] if return_index else []), *rest)
    return made if len(made) > 1 else values


def _array_api(function: Any, fields: list[str], **asked: bool) -> None:
    """The array API's form of ``np.unique``: what it asks for, in a named tuple."""
    result: Any = type(function(np.zeros(1))) if len(fields) > 1 else None

    @composite(function, samples=lambda rng: [call(_few(rng)), call(_few(rng).reshape(2, 3))])
    def unique(x: Array, /) -> Any:
        made = _unique(x, equal_nan=False, **asked)
        return made if result is None else result(*made)


_array_api(np.unique_values, ["values"])
_array_api(np.unique_counts, ["values", "counts"], return_counts=True)
_array_api(np.unique_inverse, ["values", "inverse_indices"], return_inverse=True)
_array_api(
    np.unique_all,
    ["values", "indices", "inverse_indices", "counts"],
    return_index=True,
    return_inverse=True,
    return_counts=True,
)


@composite(np.union1d, samples=_sets, kinks=_in_common([1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0]))
def _union1d(ar1: Array, ar2: Array) -> Array:
    return np.unique(np.concatenate([array_of(ar1), array_of(ar2)], axis=None))


@composite(np.intersect1d, samples=_sets, kinks=_in_common([0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0]))
def _intersect1d(ar1: Array, ar2: Array, assume_unique: bool = False, return_indices: bool = False) -> Any:
    found = np.intersect1d(
        known(ar1, "np.intersect1d"), known(ar2, "np.intersect1d"), assume_unique, return_indices=True
    )
    values = np.take(np.ravel(array_of(ar1)), found[1])
    return (values, *found[1:]) if return_indices else values


@composite(np.setdiff1d, samples=_sets, kinks=_in_common([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0]))
def _setdiff1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    ar1 = np.ravel(array_of(ar1)) if assume_unique else np.unique(ar1)
    return ar1[~np.isin(known(ar1, "np.setdiff1d"), known(ar2, "np.setdiff1d"))]


@composite(np.setxor1d, samples=_sets, kinks=_in_common([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0]))
def _setxor1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    parts = [np.ravel(array_of(x)) if assume_unique else np.unique(x) for x in (ar1, ar2)]
    both = np.sort(np.concatenate(parts), kind="stable")
    plain = known(both, "np.intersect1d")
    apart = np.concatenate([[True], plain[1:] != plain[:-1], [True]])
    return both[apart[1:] & apart[:-1]]
