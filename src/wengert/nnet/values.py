"""What the functions of this package take and give: arrays of real numbers, settings that are numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import NO_PARAMS, Array, Params
from wengert.arrays.results import as_result, call
from wengert.core.aliasing import keeps_gradient
from wengert.core.arraydata import check_constant
from wengert.core.arraymethods import converted
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op
from wengert.errors import InputError, WengertError

__all__ = ["InvalidSetting", "finished", "floating", "nonnegative", "number", "precisely", "real", "run"]

FLOAT = np.dtype(np.float64)
_KINDS = frozenset("fiub")


class InvalidSetting(WengertError, ValueError, AssertionError):
    """A setting such as a stride or a rate is out of its range. (MyGrad raises ``AssertionError`` for these.)"""


def real(what: str, x: Any) -> Array:
    """``x`` as an array of real numbers, plain or boxed."""
    if type(x) is not np.ndarray:
        x = operand(x)
        if type(x) in (bool, int, float, complex):
            x = np.asarray(x)
    if x.dtype.kind not in _KINDS:
        raise InputError(f"{what} works with real numbers; it was given an array of {x.dtype}.")
    return x


def floating(what: str, x: Any) -> Array:
    """The same; integers and booleans in double precision."""
    x = real(what, x)
    return x if x.dtype.kind == "f" else converted(x, FLOAT)


def precisely(*arrays: Array) -> tuple[np.dtype[Any], list[Array]]:
    """The dtype of what is computed from plain arrays, and these in the precision to compute it in.

    That is the same but for float16: its arithmetic is slow, and sums in it lose what is added.
    """
    dtype = arrays[0].dtype
    if any([a.dtype != dtype for a in arrays]):
        dtype = np.result_type(*arrays)
    precision = SINGLE if dtype == HALF else dtype
    return dtype, [a if a.dtype == precision else a.astype(precision) for a in arrays]


def number(what: str, name: str, value: Any, like: Array | None = None) -> Any:
    """A setting as a Python number, which widens no array.

    If a derivative is to be taken with respect to it, it stays boxed: 0-d, and of the dtype of ``like``. Without
    ``like`` there is no such derivative.
    """
    if isinstance(value, Box | np.ndarray | np.generic):
        if value.size != 1:
            raise ValueError(f"{what}: {name} must be a single number; got an array of shape {value.shape}.")
        if like is not None and keeps_gradient(value):
            value = np.reshape(real(what, value), ())
            return value if like.dtype.kind != "f" or value.dtype == like.dtype else value.astype(like.dtype)
        value = value._plain(what).item() if isinstance(value, Box) else value.item()
    if not isinstance(value, bool | int | float):
        raise InputError(f"{what}: {name} must be a real number; got {value!r} ({type(value).__name__}).")
    return value


def nonnegative(what: str, name: str, value: Any) -> float:
    """A setting that must be a number that is not negative, and with respect to which no derivative is taken."""
    if not isinstance(value, int | float | np.integer | np.floating) or not value >= 0:
        raise ValueError(f"{what}: {name} must be a number that is not negative; got {value!r}.")
    return float(value)


def run(op: Op, arrays: Sequence[Array], params: Params = NO_PARAMS) -> Array:
    """``op(*arrays, **params)``; of plain arrays alone it is a constant tensor that holds them."""
    if len(arrays) == 1 and isinstance(arrays[0], Box):
        return arrays[0]._apply_alone(op, params)
    if any([isinstance(x, Box) for x in arrays]):
        return apply(op, arrays, params)
    return call(op, tuple(arrays), dict(params))


def finished(y: Array, constant: bool | None) -> Any:
    """``y`` as a tensor, constant or not as ``constant`` says, or else as what it was computed from is."""
    check_constant(constant)
    return as_result(y, constant)
