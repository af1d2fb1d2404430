"""Names for the types that public signatures speak of, and the few values every layer shares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["NO_PARAMS", "PLAIN", "Array", "ArrayLike", "Axis", "DTypeLike", "NDArray", "Params", "Shape", "Tree"]

Array: TypeAlias = Any
"""A plain NumPy array or scalar, or a boxed array (a tensor, a dual array)."""
Tree: TypeAlias = Any
"""Arrays in any nesting of dicts, lists, tuples, named tuples, dataclasses and attrs classes."""
Shape: TypeAlias = tuple[int, ...]
Axis: TypeAlias = int | tuple[int, ...] | None
Params: TypeAlias = Mapping[str, Any]

NO_PARAMS: Params = MappingProxyType({})

PLAIN = frozenset({np.ndarray, float, int, complex, bool, *np.sctypeDict.values()}) - {np.object_, np.str_, np.bytes_}
"""Types of numbers and arrays that hold no derivative and need no conversion."""
