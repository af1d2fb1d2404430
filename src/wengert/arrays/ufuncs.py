"""NumPy's ufuncs under wengert's name: objects that look as NumPy's do, and return tensors."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Any, final

import numpy as np

from wengert.arrays.docs import describe
from wengert.arrays.kinks import magnitude
from wengert.arrays.results import as_result, call, origin_of
from wengert.arrays.tensor import Tensor
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box, operand
from wengert.core.registry import FUNCTIONS, UFUNCS
from wengert.core.ufuncs import call_ufunc
from wengert.errors import UnsupportedFunction

__all__ = ["ufunc", "ufunc_of"]

_NUMBERS = frozenset("?bBhHiIlLqQefdgFDG->")
_DISPATCH: Any = Tensor.__array_ufunc__
_NAMES = {"x": 0, "x1": 0, "x2": 1}


class _Kind(type):
    """The class of the class: ``issubclass(wg.add, wg.ufunc)`` holds, as in MyGrad, whose ufuncs are classes."""

    def __subclasscheck__(cls, other: object) -> bool:
        return other is cls or type(other) is cls


@final
class ufunc(metaclass=_Kind):
    """A universal function: one that is applied element by element, with broadcasting, and returns tensors.

    It has the attributes and methods of NumPy's ufunc of the same name, and takes its keywords; ``constant=True``
    makes the result a constant, ``constant=False`` a variable. Where ``where=`` is false the result is 0, unless
    ``out=`` has another value there. Predicates and comparisons return plain arrays.

    Raises ``UnsupportedFunction`` for a ufunc that wengert knows no derivative of.

    >>> import wengert as wg
    >>> wg.add
    <wengert-ufunc 'add'>
    >>> isinstance(wg.add, wg.ufunc)
    True
    >>> wg.add.reduce([1.0, 2.0, 4.0])
    Tensor(7.)
    """

    def __init__(self, function: np.ufunc) -> None:
        if function not in UFUNCS and function not in FUNCTIONS:
            raise UnsupportedFunction(f"wengert knows no derivative of the ufunc {function.__name__!r}.")
        self.__name__ = self.__qualname__ = function.__name__
        self.__module__ = "wengert"
        self.__doc__ = describe(function, f"numpy.{function.__name__}")
        self.__signature__ = _signature(function)
        op = UFUNCS.get(function)
        self._numpy = function
        self._origin = origin_of(function)
        self._kinds = "biufc" if op is not None and not op.is_constant else "fc"
        self.nin: int = function.nin
        self.nout: int = function.nout
        self.nargs: int = function.nargs
        self.identity: Any = function.identity
        self.signature: str | None = function.signature
        self.types: list[str] = [t for t in function.types if _NUMBERS.issuperset(t)] or list(function.types)
        self.ntypes: int = len(self.types)

    def __repr__(self) -> str:
        return f"<wengert-ufunc {self.__name__!r}>"

    def __reduce__(self) -> str:
        return self.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102 - each ufunc's docstring says what it does
        if not kwargs and len(args) == self.nin:  # what the general way does for tensors, without its checks
            box = args[0]
            if type(box) is Tensor or type(box := args[-1]) is Tensor:
                y = _DISPATCH(box, self._numpy, "__call__", *args)
                if y is not NotImplemented:
                    return y
        return self._call(args, **kwargs)

    def _call(self, args: tuple[Any, ...], constant: bool | None = None, **kwargs: Any) -> Any:
        """The general way of a call: through NumPy."""
        check_constant(constant)
        args = _positional(self.__name__, args, kwargs)
        arrays = [_array(x) for x in args[: self.nin]]
        if self._numpy is np.absolute and not kwargs.pop("nan_to_num", True):
            arrays[0] = magnitude(arrays[0])
        out = args[self.nin :] or kwargs.get("out")
        if "where" in kwargs and out is None:  # NumPy leaves undefined what isn't chosen; as with tensors it is 0
            y = call_ufunc(self._numpy, arrays, **kwargs)
        else:
            y = call(self._origin, (*arrays, *args[self.nin :]), kwargs, self._kinds)
        return self._finish(y, constant, out, args)

    def _finish(self, y: Any, constant: bool | None, out: Any, inputs: Sequence[Any] = ()) -> Any:
        """What a call or a method returns. A tensor that was written to stays what it was."""
        if out is not None and any([isinstance(t, Box) for t in (out if isinstance(out, tuple) else (out,))]):
            return y
        return as_result(y, constant, kinds=self._kinds, inputs=inputs)

    def resolve_dtypes(self, dtypes: Any, **kwargs: Any) -> tuple[np.dtype[Any], ...]:
        """The dtypes in which the ufunc computes, given those of the arguments and ``None`` for those of results."""
        return self._numpy.resolve_dtypes(dtypes, **kwargs)

    def reduce(self, array: Any, *args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        """The ufunc applied along an axis: ``wg.add.reduce`` is the sum. Parameters as in ``np.ufunc.reduce``."""
        return self._method("reduce", 2, constant, array, *args, **kwargs)

    def accumulate(self, array: Any, *args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        """All results on the way of a reduction. Parameters as in ``np.ufunc.accumulate``."""
        return self._method("accumulate", 2, constant, array, *args, **kwargs)

    def reduceat(self, array: Any, indices: Any, *args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        """Reductions of the stretches that start at ``indices``. Parameters as in ``np.ufunc.reduceat``."""
        return self._method("reduceat", 3, constant, array, indices, *args, **kwargs)

    def outer(self, A: Any, B: Any, /, *, constant: bool | None = None, **kwargs: Any) -> Any:
        """Each element of ``A`` with each of ``B``. Keywords as in a call."""
        check_constant(constant)
        y = call(origin_of(self._numpy.outer), (_array(A), _array(B)), kwargs, self._kinds)
        return self._finish(y, constant, kwargs.get("out"))

    def at(self, a: Any, indices: Any, b: Any = None, /) -> None:
        """``a[indices] = ufunc(a[indices], b)``, in place; an element that is named twice takes part twice."""
        self._numpy.at(a, indices, *(() if b is None else (_array(b),)))

    def _method(self, name: str, at: int, constant: bool | None, array: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A method whose parameter ``out`` is ``args[at]``."""
        check_constant(constant)
        out = kwargs.get("out", args[at] if len(args) > at else None)
        y = call(origin_of(getattr(self._numpy, name)), (_array(array), *args), kwargs, self._kinds)
        return self._finish(y, constant, out)


def ufunc_of(function: np.ufunc) -> ufunc:
    """The one object that stands for NumPy's ``function``."""
    if function not in _MADE:
        _MADE[function] = ufunc(function)
    return _MADE[function]


_MADE: dict[np.ufunc, ufunc] = {}


def _array(x: Any) -> Any:
    """``x``; a box, if it is a sequence with boxes in it."""
    return operand(x) if isinstance(x, list | tuple) else x


def _positional(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments by position; NumPy's ufuncs take them in no other way, MyGrad's by name too."""
    for key, place in _NAMES.items():
        if key in kwargs:
            if place != len(args):
                raise TypeError(f"{name}: the argument {key!r} is given twice, or out of order.")
            args = (*args, kwargs.pop(key))
    return args


def _signature(function: np.ufunc) -> Signature:
    """The parameters, with ``constant``."""
    only, either = Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD
    names = ("x",) if function.nin == 1 else tuple([f"x{i + 1}" for i in range(function.nin)])
    nothing = None if function.nout == 1 else (None,) * function.nout
    options: dict[str, Any] = {"where": True} if function.signature is None else {"axes": None, "axis": None}
    options |= {"casting": "same_kind", "order": "K", "dtype": None, "constant": None}
    return Signature(
        [
            *[Parameter(name, only) for name in names],
            Parameter("out", either, default=nothing),
            *[Parameter(name, Parameter.KEYWORD_ONLY, default=value) for name, value in options.items()],
        ]
    )
