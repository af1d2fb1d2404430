"""Complex numbers: their parts, conjugates, sizes and directions.

None of these functions is holomorphic. As maps of the plane they have a derivative nevertheless, which is linear over
the real numbers; its transpose, with respect to the inner product ``Re(conj(g)·t)``, is what carries gradients back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import known
from wengert.core.arraymethods import converted
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite, elementwise, linear

__all__ = ["from_parts"]

_ORIGIN = np.array([0.0, 0j])


def _is_complex(x: Array) -> bool:
    return x.dtype.kind == "c"


def _plane(rng: np.random.Generator) -> list[Call]:
    """Complex and real arguments."""
    z = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    return [call(z), call(z[0, 0]), call(z[:, :0]), call(rng.normal(size=3))]


# Parts, and numbers made of them


def _from_parts(real: Array, imag: Array) -> Array:
    y = np.empty(np.broadcast_shapes(np.shape(real), np.shape(imag)), np.result_type(real, imag, np.complex64))
    y.real = real.real
    y.imag = imag.real
    return y[()]


_FROM_PARTS = register(
    Op("from_parts", "linear", _from_parts, ("real", "imag"), (lambda g: np.real(g), lambda g: np.imag(g)))
)


def from_parts(real: Array, imag: Array) -> Array:
    """``real + i·imag``, also where one of them is infinite."""
    return apply(_FROM_PARTS, (real, imag))


_REAL = register(Op("real", "linear", np.real, ("x",), (lambda g: g,), view="writeable"))
_IMAG = register(
    Op(
        "imag",
        "linear",
        np.imag,
        ("x",),
        (lambda g: from_parts(np.zeros((), g.dtype), g),),
        view="writeable",
    )
)


@composite(np.real, samples=_plane)
def _real_part(val: Array) -> Array:
    return apply(_REAL, (val,)) if _is_complex(val) else val


@composite(np.imag, samples=_plane)
def _imaginary_part(val: Array) -> Array:
    return apply(_IMAG, (val,))


# The memory of complex numbers seen as that of real ones, and the reverse: what ``x.view(dtype)`` gives


def _reader(dtype: Callable[[Array], Any]) -> Callable[[Array], Array]:
    def read(x: Array) -> Array:
        if not x.flags.c_contiguous and x.strides[-1] != x.itemsize:  # a tangent may lie otherwise than its primal
            x = np.ascontiguousarray(x)
        return x.view(dtype(x))

    return read


def _joined(parts: Array) -> Array:
    return from_parts(parts[..., ::2], parts[..., 1::2])


def _parted(z: Array) -> Array:
    return np.reshape(np.stack([np.real(z), np.imag(z)], -1), (*z.shape[:-1], 2 * z.shape[-1]))


for _name, _dtype, _back in (
    ("view_as_real", lambda x: x.real.dtype, _joined),
    ("view_as_complex", lambda x: np.result_type(x, np.complex64), _parted),
):
    register(
        Op(
            _name,
            "linear",
            _reader(_dtype),
            ("x",),
            (lambda g, back=_back: back(g),),
            view="writeable",
        )
    )


def viewed(x: Array) -> Array:
    """A copy of complex numbers viewed as real ones, of real numbers as complex ones."""
    if _is_complex(x):
        return np.copy(x, "C").view(np.finfo(x.dtype).dtype)
    x = np.copy(converted(x, np.result_type(x, np.float32)), "C")
    return x.view(np.result_type(x, np.complex64))


composite(
    viewed,
    samples=lambda rng: [
        call(rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))),
        call(rng.normal(size=(2, 4))),
        call(rng.normal(size=(0, 2))),
    ],
)(viewed)


@composite(np.real_if_close, samples=_plane)
def _real_if_close(a: Array, tol: float = 100) -> Array:
    if not _is_complex(a):
        return a
    limit = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return np.real(a) if np.all(np.absolute(np.imag(known(a, "np.real_if_close"))) < limit) else a


linear(np.conjugate, x=lambda g: np.conjugate(g) if g.dtype.kind == "c" else g, samples=_plane)

# Size and direction


def _size_forward(t: Array, x: Array) -> Array:
    """``Re(conj(sign x)·t)``: how fast the size grows when ``x`` moves in direction ``t``."""
    return np.real(np.conjugate(np.sign(x)) * t) if _is_complex(x) else np.sign(x) * t


elementwise(
    np.absolute,
    x=lambda x: np.sign(x),
    jvps=(_size_forward,),
    samples=_plane,
    kinks=[(call(np.array([0.0, -0.0])), (np.zeros(2),)), (call(_ORIGIN), (_ORIGIN,))],
)


def _turn(t: Array, x: Array, y: Array) -> Array:
    """How ``y = x/|x|`` turns as ``x`` moves in direction ``t``: by the part of ``t`` across ``x``.

    NaN at the origin: with 0 in its place, second derivatives of ``abs(x)**2`` would be silently wrong there.
    """
    across = np.imag(t * np.conjugate(y)) / np.absolute(x)
    return from_parts(np.zeros((), across.dtype), across) * y


_SIGN = register(Op("sign", "constant", np.sign, ("x",), (None,)))
_DIRECTION = register(
    Op(
        "direction",
        "structured",
        np.sign,
        ("x",),
        (lambda g, x, y: _turn(g, x, y),),
        jvps=(lambda t, x, y: _turn(t, x, y),),
    )
)


@composite(np.sign, samples=_plane)
def _sign(x: Array) -> Array:
    return apply(_DIRECTION if _is_complex(x) else _SIGN, (x,))


@composite(np.angle, samples=_plane, kinks=[(call(_ORIGIN), (_ORIGIN,))])
def _angle(z: Array, deg: bool = False) -> Array:
    angle = np.arctan2(np.imag(z), np.real(z))
    return np.rad2deg(angle) if deg else angle
