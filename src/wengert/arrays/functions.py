"""NumPy's functions that aren't ufuncs, under wengert's name: they return tensors and take ``constant=``.

MyGrad's functions have other parameters in places (``sum(x, axis, keepdims)``). A call in its form is understood too
where it can't be taken for a call in NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert.arrays.docs import describe, with_constant
from wengert.arrays.results import as_result, call, origin_of
from wengert.arrays.tensor import Tensor, holds_box, stack_boxes
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box

__all__ = ["tensor_function", "where"]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_NOTHING: Any = object()
_WHERE = origin_of(np.where)
_TENSOR_ALONE = (Tensor,)


def tensor_function(function: Callable[..., Any], name: str, module: str) -> Callable[..., Any]:
    """``function`` with tensors as results.

    Of tensors the result is what NumPy's function itself gives; of plain arrays it is a constant tensor.
    """
    adapt = _ADAPTERS.get(name)
    origin = origin_of(function)
    takes_sequences = name in _TAKE_SEQUENCES

    @wraps(function)
    def wrapped(*args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        if constant is not None:
            check_constant(constant)
        if adapt is not None and (kwargs or len(args) > 2):
            args, kwargs = adapt(args, kwargs)
        if args and type(args[0]) is Tensor:  # as NumPy would, after asking every argument
            y = args[0].__array_function__(function, _TENSOR_ALONE, args, kwargs)
            if constant is None and type(y) is Tensor:
                return y
        else:
            if not takes_sequences:
                args = tuple([_array(x) for x in args])
            y = call(origin, args, kwargs)
        return y if isinstance(kwargs.get("out"), Box) else as_result(y, constant, inputs=args)

    wrapped.__module__ = module
    wrapped.__name__ = wrapped.__qualname__ = name
    is_numpys = (function.__module__ or "").startswith("numpy")
    wrapped.__doc__ = describe(function, f"numpy{module.removeprefix('wengert')}.{name}" if is_numpys else None)
    setattr(wrapped, "__signature__", with_constant(function))  # noqa: B010 - functions have no such attribute declared
    return wrapped


_TAKE_SEQUENCES = frozenset({
    "block", "choose", "column_stack", "concat", "concatenate", "dstack", "histogramdd", "hstack", "multi_dot",
    "piecewise", "row_stack", "select", "stack", "vstack",
})  # fmt: skip
"""Functions of sequences of arrays, which NumPy itself looks into."""


def _array(x: Any) -> Any:
    """``x``; one box, if it is a sequence with boxes in it, which NumPy would turn into numbers."""
    return stack_boxes(x) if isinstance(x, list | tuple) and holds_box(x) else x


def where(condition: Any, x: Any = _NOTHING, y: Any = _NOTHING, *, constant: bool | None = None) -> Any:
    """``x`` where ``condition`` holds, else ``y``; without those two, the positions where it holds, as ``np.nonzero``.

    All three are broadcast together. The derivative goes to what was chosen; ``condition`` has none. Raises
    ``ValueError`` for one choice alone, if shapes don't fit, and for ``constant=False`` with integers or booleans.

    >>> import wengert as wg
    >>> x = wg.tensor([1.0, -2.0])
    >>> wg.where(x > 0, x, 0.0)
    Tensor([1., 0.])
    >>> wg.where([False, True])
    (array([1]),)
    """
    check_constant(constant)
    if x is _NOTHING and y is _NOTHING:
        return np.nonzero(_array(condition))
    if x is _NOTHING or y is _NOTHING:
        raise ValueError("wg.where takes a condition alone, or a condition and two choices; got one choice.")
    return as_result(call(_WHERE, (_array(condition), _array(x), _array(y)), {}), constant)


# Calls in MyGrad's form, put into NumPy's.


def _renamed(kwargs: dict[str, Any], **names: str) -> dict[str, Any]:
    """The keywords with NumPy's names in the place of MyGrad's."""
    for old, new in names.items():
        if old in kwargs:
            kwargs[new] = kwargs.pop(old)
    return kwargs


def _reduction(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """``(x, axis, keepdims)``: the third parameter of NumPy's is a dtype or an array, never a flag."""
    if len(args) == 3 and isinstance(args[2], bool | np.bool_):
        kwargs["keepdims"] = args[2]
        args = args[:2]
    return args, _renamed(kwargs, x="a")


def _spread(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """``(x, axis, ddof, keepdims)``: the third parameter of NumPy's is a dtype, never a number."""
    if len(args) in (3, 4) and isinstance(args[2], int | float | np.number):
        kwargs["ddof"] = args[2]
        if len(args) == 4:
            kwargs["keepdims"] = args[3]
        args = args[:2]
    return args, _renamed(kwargs, x="a")


def _joining(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """``(tensors, axis, out, dtype)``."""
    if "tensors" in kwargs:
        args = (kwargs.pop("tensors"), *args)
    if len(args) == 4:
        kwargs["dtype"] = args[3]
        args = args[:3]
    return args, kwargs


def _reshape(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """``(a, newshape)``, a name that NumPy has had too."""
    if "newshape" in kwargs:
        args = (*args, kwargs.pop("newshape"))
    return args, kwargs


def _broadcast_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """``(a, shape)``."""
    return args, _renamed(kwargs, a="array")


def _transpose(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """``(a, *axes)``."""
    return ((*args[:1], args[1:]) if len(args) > 2 else args), kwargs


_ADAPTERS: dict[str, Callable[[tuple[Any, ...], dict[str, Any]], Arguments]] = {
    **dict.fromkeys(("amax", "amin", "max", "mean", "min", "prod", "sum"), _reduction),
    **dict.fromkeys(("std", "var"), _spread),
    **dict.fromkeys(("concatenate", "stack"), _joining),
    "broadcast_to": _broadcast_to,
    "reshape": _reshape,
    "transpose": _transpose,
}
