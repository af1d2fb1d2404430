"""Names for the types in the signatures of wengert's functions."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

__all__ = ["ArrayLike", "DTypeLike", "DTypeLikeReals", "Index", "Mask", "Real", "Shape"]

Real: TypeAlias = int | float
"""A real number."""

Shape: TypeAlias = int | Sequence[int]
"""The shape of an array, as functions take it."""

Mask: TypeAlias = ArrayLike | bool
"""What ``where=`` takes: booleans."""

DTypeLikeReals: TypeAlias = type[bool | int | float | np.bool_ | np.number[Any]] | np.dtype[Any] | str | None
"""What ``np.dtype`` makes a dtype of real numbers of."""

Index: TypeAlias = int | slice | EllipsisType | np.ndarray[Any, Any] | Sequence[Any] | tuple[Any, ...] | None
"""What stands between the brackets of ``x[index]``."""
