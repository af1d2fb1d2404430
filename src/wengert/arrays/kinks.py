"""The absolute value for those who want to notice its kink: the derivative at 0 is NaN instead of 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.errors import InputError

__all__ = ["magnitude"]


def _slope(x: Array, y: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return x / y


_MAGNITUDE = Op("magnitude", "elementwise", np.absolute, ("x",), (_slope,))


def magnitude(x: Any) -> Array:
    """``|x|`` of real numbers, with the derivative ``x / |x|``: NaN at 0, where ``np.absolute`` has 0.

    Raises ``InputError`` for complex numbers.
    """
    x = operand(x)
    if np.iscomplexobj(x):
        raise InputError("nan_to_num=False is for real numbers; these are complex. Leave it away.")
    return apply(_MAGNITUDE, (x,))
