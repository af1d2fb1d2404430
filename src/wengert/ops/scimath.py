"""NumPy's functions that go on to complex numbers where there is no real result: ``np.emath.sqrt(-1)`` is ``1j``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import known
from wengert.core.arraymethods import converted
from wengert.ops.cases import DOMAINS, Call, call
from wengert.ops.entries import composite
from wengert.ops.shape import array_of

__all__: list[str] = []


def _widened(x: Array, leaves: Callable[[Any], Any]) -> Array:
    """``x``, as complex numbers if one of them leaves the real numbers."""
    x = array_of(x)
    if x.dtype.kind != "c" and np.any(leaves(known(x, "a function of np.emath"))):
        return converted(
            x, np.complex64 if np.can_cast(x.dtype, np.float32) and x.dtype != np.float16 else np.complex128
        )
    return x


def _negative(x: Any) -> Any:
    return x < 0


def _beyond_one(x: Any) -> Any:
    return np.abs(x) > 1


def _inside_and_outside(domain: str, sign: float) -> Callable[[np.random.Generator], list[Call]]:
    """Real arguments with real and with complex results."""

    def samples(rng: np.random.Generator) -> list[Call]:
        x = DOMAINS[domain](rng, (2, 3))
        return [call(x), call(np.stack([x[0], sign / x[1]])), call(x[0, 0])]

    return samples


def _enter(name: str, leaves: Callable[[Any], Any], domain: str, sign: float) -> None:
    compute: Callable[[Any], Any] = getattr(np, name)

    @composite(getattr(np.emath, name), samples=_inside_and_outside(domain, sign))
    def function(x: Array) -> Array:
        return compute(_widened(x, leaves))[()]


for _name in ("sqrt", "log", "log2", "log10"):
    _enter(_name, _negative, "positive", -1.0)
for _name in ("arcsin", "arccos", "arctanh"):
    _enter(_name, _beyond_one, "unit", 1.0)


@composite(
    np.emath.logn,
    samples=lambda rng: [call(rng.uniform(1.5, 3.0, 2), rng.uniform(0.5, 2.0, (3, 2))), call(2.0, np.array([-1.5]))],
)
def _logn(n: Array, x: Array) -> Array:
    return np.emath.log(x) / np.emath.log(n)


@composite(
    np.emath.power,
    samples=lambda rng: [
        call(rng.uniform(0.5, 2.0, (2, 3)), rng.normal(size=3)),
        call(np.array([-1.5, 2.0]), np.array([0.5, -1.5])),
        call(np.array([-1.5, 2.0]), 2),
    ],
)
def _power(x: Array, p: Array) -> Array:
    p = array_of(p)
    if p.dtype.kind in "iu" and np.any(known(p, "np.emath.power") < 0):
        p = p * 1.0
    return np.power(_widened(x, _negative), p)
