"""Convolutions, and polynomials as lists of their coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.core.aliasing import is_traced, known
from wengert.core.arraymethods import converted
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.errors import UnsupportedFunction
from wengert.ops.cases import Call, call
from wengert.ops.contract import conjugate
from wengert.ops.entries import composite
from wengert.ops.queries import plain_tree
from wengert.ops.shape import at_least

__all__: list[str] = []


def _line(x: Any, name: str) -> Array:
    """``x`` with one axis."""
    x = at_least(1, x)
    if x.ndim > 1:
        raise ValueError(f"{name} takes arrays with one axis; a shape is {x.shape}.")
    return x


# Convolutions. The cotangent of the longer factor is the correlation of the result's with the shorter, and vice versa,
# once those ends of the full convolution that were cut off are put back as zeros.


def _uncut(g: Array, a_shape: Shape, v_shape: Shape, mode: str) -> Array:
    """``g`` in the place that ``mode`` cut out of the full convolution."""
    (n,), (m,) = a_shape, v_shape
    if mode == "full":
        return g
    start = min(n, m) - 1 if mode == "valid" else (min(n, m) - 1) // 2
    return np.pad(g, (start, n + m - 1 - start - g.shape[0]))


def _pull_a(g: Array, a_like: Any, v: Array, mode: str) -> Array:
    return np.correlate(_uncut(g, a_like.shape, v.shape, mode), v, "valid")


def _pull_v(g: Array, a: Array, v_like: Any, mode: str) -> Array:
    return np.correlate(_uncut(g, a.shape, v_like.shape, mode), a, "valid")


_CONVOLVE = register(
    Op("convolve", "multilinear", lambda a, v, mode: np.convolve(a, v, mode), ("a", "v"), (_pull_a, _pull_v))
)


def _pairs(rng: np.random.Generator) -> list[Call]:
    def pair(n: int, m: int, *mode: str) -> Call:
        return call(rng.normal(size=n), rng.normal(size=m), *mode)

    modes = ("full", "same", "valid")
    return [pair(4, 3), *[pair(n, m, mode) for n, m in ((5, 2), (2, 4), (3, 3), (4, 1)) for mode in modes]]


def _mode(mode: Any, name: str) -> Any:
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"{name}: mode is 'full', 'same' or 'valid', not {mode!r}.")
    return mode


@composite(np.convolve, samples=_pairs, analytic=True)
def _convolve(a: Array, v: Array, mode: Any = "full") -> Array:
    a, v = _line(a, "np.convolve"), _line(v, "np.convolve")
    if 0 in (a.size, v.size):
        raise ValueError(f"np.convolve takes arrays that aren't empty; the shapes are {a.shape} and {v.shape}.")
    return apply(_CONVOLVE, (a, v), {"mode": _mode(mode, "np.convolve")})


@composite(np.correlate, samples=_pairs)
def _correlate(a: Array, v: Array, mode: Any = "valid") -> Array:
    a, v = _line(a, "np.correlate"), _line(v, "np.correlate")
    if v.size > a.size:  # where the middle of an even number of results is, depends on which is the longer
        return conjugate(np.correlate(v, a, mode))[::-1]
    return np.convolve(a, conjugate(v)[::-1], _mode(mode, "np.correlate"))


# Values, sums and products of polynomials


def _coefficients(rng: np.random.Generator) -> list[Call]:
    return [call(rng.normal(size=n), rng.normal(size=m)) for n, m in ((3, 3), (2, 4), (4, 1))]


@composite(
    np.polyval,
    samples=lambda rng: [
        call(rng.normal(size=4), rng.normal(size=(2, 3))),
        call(rng.normal(size=1), rng.normal(size=2)),
        call(rng.normal(size=3), 1.5),
    ],
    analytic=True,
)
def _polyval(p: Array, x: Array) -> Array:
    p, x = operand(p), operand(x)
    y: Array = np.zeros(np.shape(x), np.result_type(x))
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


def _padded(p: Array, n: int) -> Array:
    return p if p.shape[0] == n else np.concatenate([np.zeros(n - p.shape[0], p.dtype), p])


def _adder(function: Any, combine: np.ufunc) -> None:
    @composite(function, samples=_coefficients, analytic=True)
    def total(a1: Array, a2: Array) -> Array:
        a1, a2 = at_least(1, a1), at_least(1, a2)
        n = max(a1.shape[0], a2.shape[0])
        return combine(_padded(a1, n), _padded(a2, n))


_adder(np.polyadd, np.add)
_adder(np.polysub, np.subtract)


def _trimmed(p: Any) -> Array:
    """``p`` without zeros in front, as far as there is another coefficient; with them, where nobody knows."""
    p = at_least(1, p)
    if is_traced(p):
        return p
    plain = known(p, "np.polymul")
    return p[int(np.argmax(plain != 0)) if np.any(plain) else p.shape[0] - 1 :]


@composite(np.polymul, samples=_coefficients, analytic=True)
def _polymul(a1: Array, a2: Array) -> Array:
    return np.convolve(_trimmed(a1), _trimmed(a2))


@composite(
    np.polydiv,
    samples=lambda rng: [  # numbers that divide without rounding, which decides how long the remainder is
        call(rng.integers(1, 9, n) / 2.0, rng.integers(1, 9, m) / 2.0 * np.arange(m) + 2.0)
        for n, m in ((4, 2), (3, 3), (2, 4), (3, 1))
    ],
    analytic=True,
)
def _polydiv(u: Array, v: Array) -> tuple[Array, Array]:
    u, v = at_least(1, u) + 0.0, at_least(1, v) + 0.0
    scale, rest, quotient, left = 1.0 / v[0], u, [], []
    while rest.shape[0] >= v.shape[0]:
        quotient.append(scale * rest[0])
        left.append(rest[0] - quotient[-1] * v[0])  # nothing, but for rounding
        rest = np.concatenate([rest[1 : v.shape[0]] - quotient[-1] * v[1:], rest[v.shape[0] :]])
    if is_traced(rest):
        rest = rest if rest.shape[0] or not left else np.stack(left[-1:])
        return np.stack(quotient) if quotient else np.zeros(1, rest.dtype), rest
    rest = np.concatenate([np.stack(left), rest]) if left else rest
    near = np.isclose(plain_tree(rest), 0.0, rtol=1e-14)
    start = rest.shape[0] - 1 if near.all() else int(np.argmin(near))
    return np.stack(quotient) if quotient else np.zeros(1, rest.dtype), rest[start:]


# Derivatives and integrals


@composite(
    np.polyder,
    samples=lambda rng: [call(rng.normal(size=4)), call(rng.normal(size=4), 2), call(rng.normal(size=2), m=0)],
    analytic=True,
)
def _polyder(p: Array, m: int = 1) -> Array:
    if m < 0:
        raise ValueError(f"np.polyder: the order m={m} is negative; np.polyint integrates.")
    p = operand(p)
    for _ in range(m):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


@composite(
    np.polyint,
    samples=lambda rng: [
        call(rng.normal(size=3)),
        call(rng.normal(size=2), 2, [2, -3]),
        call(rng.normal(size=2), m=2, k=4),
    ],
    analytic=True,
)
def _polyint(p: Array, m: int = 1, k: Any = None) -> Array:
    if m < 0:
        raise ValueError(f"np.polyint: the order m={m} is negative; np.polyder differentiates.")
    p = operand(p)
    constants = np.zeros(m) if k is None else at_least(1, k)
    if constants.shape[0] == 1 and m > 1:
        constants = np.repeat(constants, m)
    if constants.shape[0] < m:
        raise ValueError(f"np.polyint: {constants.shape[0]} constants for {m} integrations. Give one for each, or one.")
    for i in range(m):
        p = np.concatenate([p / np.arange(p.shape[0], 0, -1), constants[i : i + 1]])
    return p


# Roots


@composite(
    np.poly,
    samples=lambda rng: [call(rng.normal(size=3)), call(rng.normal(size=1)), call(rng.normal(size=2) + 1j)],
)
def _poly(seq_of_zeros: Array) -> Array:
    zeros = at_least(1, seq_of_zeros)
    if zeros.ndim > 1:
        raise UnsupportedFunction(
            f"np.poly of a matrix has no derivative rule in wengert; the shape is {zeros.shape}. Give the roots."
        )
    zeros = converted(zeros, np.mintypecode(zeros.dtype.char), copy=False)
    p: Array = np.ones(1, zeros.dtype)
    for i in range(zeros.shape[0]):
        p = np.concatenate([p, np.zeros(1, p.dtype)]) - np.concatenate([np.zeros(1, p.dtype), zeros[i] * p])
    if zeros.dtype.kind == "c":
        plain = known(zeros, "np.poly")
        if np.array_equal(np.sort(plain), np.sort(plain.conj())):
            return np.copy(np.real(p))
    return p


def _root_slopes(y: Array, p: Array) -> Array:
    """``∂yᵢ/∂pₖ = −yᵢ^(n−k) / p′(yᵢ)``, from differentiating ``p(y) = 0``; not finite at a root that is repeated."""
    n = p.shape[0] - 1
    powers = np.expand_dims(y, 1) ** np.arange(n, -1, -1)
    return -powers / np.expand_dims(np.polyval(np.polyder(p), y), 1)


_ROOTS = register(
    Op(
        "roots",
        "structured",
        np.roots,
        ("p",),
        (lambda g, p, y: np.matmul(g, conjugate(_root_slopes(y, p))),),
        jvps=(lambda t, p, y: np.matmul(_root_slopes(y, p), t),),
    )
)


@composite(
    np.roots,
    samples=lambda rng: [
        call(np.array([1.0, -2.5, 1.0])),
        call(np.array([1.5, 0.5, 2.0])),
        call(np.array([0.5, 3.0])),
    ],
)
def _roots(p: Array) -> Array:
    p = at_least(1, p)
    if p.ndim != 1:
        raise ValueError(f"np.roots takes coefficients in one axis; the shape is {p.shape}.")
    plain = known(p, "np.roots")
    if not plain.any():
        return np.array([])
    return apply(_ROOTS, (p[int(np.argmax(plain != 0)) :],))
