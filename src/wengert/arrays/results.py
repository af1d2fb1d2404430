"""What the functions of wengert's own namespace return: tensors, constant or not as the ``constant`` keyword says.

Without the keyword a result is a variable if it was computed from one. ``constant=True`` takes the derivative away, at
every order and in every mode; ``constant=False`` makes a variable of a result that was computed from constants.

A result that was computed from plain arrays alone is recorded too, as a constant's origin: while it lives, the memory
guard holds those arrays, as it holds those of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import NO_PARAMS
from wengert.arrays.tensor import constant_over, wrap
from wengert.core import modes
from wengert.core.aliasing import shows
from wengert.core.arraydata import check_variable
from wengert.core.arraymethods import flagged
from wengert.core.dispatch import Box
from wengert.core.guard import hold
from wengert.core.op import Op
from wengert.core.tape import FRESH, Node

__all__ = ["as_result", "call", "origin_of"]


def as_result(y: Any, constant: bool | None = None, *, kinds: str = "biufc", inputs: Sequence[Any] = ()) -> Any:
    """``y``, what NumPy returned for ``inputs``, with its arrays as tensors; in a tuple or list each.

    Plain arrays stay plain unless their dtype is of one of ``kinds``. Raises ``ValueError`` for ``constant=False``
    where there is nothing to differentiate: a result of integers or booleans.
    """
    if isinstance(y, Box):
        return flagged(y, constant, *inputs)
    if type(y) in (float, complex, int):
        y = np.asarray(y)[()]
    if isinstance(y, np.ndarray | np.generic):
        if constant is False:
            check_variable(y.dtype)
            return wrap(y, 0, FRESH)
        return wrap(y, 0, None) if y.dtype.kind in kinds else y
    if type(y) in (tuple, list) or (isinstance(y, tuple) and hasattr(y, "_fields")):
        parts = [as_result(part, constant, kinds=kinds, inputs=inputs) for part in y]
        return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
    return y


# Operations on plain arrays


def origin_of(function: Callable[..., Any], name: str | None = None) -> Op:
    """What a constant that ``function`` computed from plain arrays says it came from."""
    return Op(name or function.__name__, "constant", function, ("*xs",))


def call(origin: Op, args: tuple[Any, ...], kwargs: dict[str, Any], kinds: str = "biufc") -> Any:
    """The function itself; if there are only plain arrays among its arguments, results are constants that hold them.

    A result that shows an argument's memory is a view of a tensor over that.
    """
    if modes.tracing and (trace := modes.trace()) is not None:
        args = tuple([trace.lift(x) if type(x) is np.ndarray else x for x in args])
    y = origin.fun(*args, **kwargs)
    if isinstance(y, Box) or (modes.special and modes.floor()):
        return y
    arrays = [x for x in _flattened((*args, *kwargs.values())) if type(x) is np.ndarray]
    parts = y if type(y) in (tuple, list) else (y,)
    if any([type(part) is np.ndarray and shows(part, x) for part in parts for x in arrays]):
        lifted = {name: x if name == "out" else _lifted(x) for name, x in kwargs.items()}
        return origin.fun(*map(_lifted, args), **lifted)
    if parts is y:
        held = [_held(part, origin, arrays, kinds) for part in y]
        return held if type(y) is list else tuple(held)
    return _held(y, origin, arrays, kinds)


def _lifted(x: Any) -> Any:
    return constant_over(x, 0) if type(x) is np.ndarray else x


def _held(y: Any, origin: Op, arrays: Sequence[np.ndarray[Any, Any]], kinds: str) -> Any:
    """``y`` as a constant that keeps ``arrays`` locked, if it is an array with a dtype of one of ``kinds``."""
    if not isinstance(y, np.ndarray | np.generic) or isinstance(y, Box) or y.dtype.kind not in kinds:
        return y
    node = Node(origin, (), (), None, NO_PARAMS, y.shape, y.dtype)
    node.held = tuple([h for h in map(hold, arrays) if h is not None]) or None
    made = constant_over(y, 0)
    made._alias.origin = node
    return made


def _flattened(arguments: Sequence[Any]) -> list[Any]:
    """The arguments, those in sequences too."""
    return [x for a in arguments for x in (a if isinstance(a, list | tuple) else (a,))]
