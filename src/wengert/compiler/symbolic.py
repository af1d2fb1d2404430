"""``Symbolic``: an array of which only shape and dtype are known. Operations on it are recorded in a graph.

It is the compiler's kind of box. The table's rules, and every other kind of box, work on it as on a plain array, so the
backward pass of a traced function is traced with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from wengert._types import NO_PARAMS, PLAIN, Array, Params
from wengert.compiler.graph import Source, Value
from wengert.core import modes
from wengert.core.aliasing import View, innermost, keeps_gradient, set_shape
from wengert.core.arraylike import OPERATORS, ArrayLike
from wengert.core.dispatch import core_of
from wengert.core.op import Op
from wengert.core.registry import UFUNCS
from wengert.errors import TraceError, backward_refused

__all__ = ["STOP", "Symbolic"]

STOP = Op("stop_gradient", "constant", lambda x: np.array(x)[()], ("x",))
"""The same values without a derivative, as a value of a graph."""


class Symbolic(ArrayLike):
    """A value of a function that is being traced. Its elements are not known: asking for them raises ``TraceError``.

    ``_model`` is an array of the same shape, dtype and layout whose elements mean nothing; a NumPy scalar where NumPy
    would give one, which no update changes. ``_weak`` is the type of Python number that this value stands for, as such
    numbers widen no array.
    """

    __slots__ = ("_model", "_trace", "_weak")

    _inner: Value
    _model: Any
    _trace: Any
    _weak: type | None

    _symbolic = True

    def detach(self) -> Symbolic:
        """The same value, through which no derivative flows, should one be taken of what is compiled."""
        stopped: Symbolic = self._trace.record(STOP, (self,), NO_PARAMS)
        return stopped

    def _flagged(self, constant: bool, inputs: Sequence[Any] = ()) -> Symbolic:
        return self.detach() if constant else self

    def __repr__(self) -> str:
        return f"Symbolic({self.dtype}, shape={self.shape})"

    def __str__(self) -> str:
        return repr(self)

    @property
    def data(self) -> NoReturn:
        """Not to be had."""
        raise TraceError(needed("x.data", self))

    def backward(self, grad: Any = None) -> NoReturn:
        """Refused."""
        raise backward_refused()

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from an element to the next along each axis."""
        return self._current()._model.strides

    @property
    def flags(self) -> Any:
        """How the elements lie in memory."""
        return self._current()._model.flags

    @property
    def _inert(self) -> bool:
        return False

    @property
    def _history(self) -> Value:
        return self._inner

    def _become(self, other: Any) -> None:
        other = core_of(other)
        if not isinstance(other, Symbolic):
            if keeps_gradient(other):
                raise TraceError(
                    "wg.jit: a value that a transformation is differentiating was about to be written into an array "
                    "that it isn't, which would lose its gradient. Make the array a tensor first: wg.tensor(array)."
                )
            other = self._trace.lift(innermost(other))
        other = other._current()
        self._inner, self._weak = other._inner, None
        if self._model.shape != other._model.shape or self._model.dtype != other._model.dtype:
            self._model = other._model

    def _frozen(self) -> Symbolic:
        self._current()
        return symbolic(self._trace, self._inner, self._model, self._weak)

    def _bare(self) -> NoReturn:
        raise TraceError(
            "An array that was traced is used outside the function that wg.jit was tracing, where it has no value. "
            "Return it from the function instead of keeping it."
        )

    def _set_shape(self, shape: Any) -> None:
        set_shape(self, shape)

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        return self._trace.record(op, arrays, params)

    def _plain(self, what: str) -> NoReturn:
        raise TraceError(needed(what, self))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not kwargs and method == "__call__" and ufunc in UFUNCS and self._trace is modes.trace():
            for x in inputs:
                if type(x) not in PLAIN and (type(x) is not Symbolic or x._trace is not self._trace):
                    break
            else:
                return self._trace.record(UFUNCS[ufunc], inputs, NO_PARAMS)
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def _shared(self, what: str) -> NoReturn:
        raise TraceError(needed(what, self))

    def __bool__(self) -> NoReturn:
        raise TraceError(needed("if, while, and, or or bool()", self))

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TraceError(needed("pickle", self))


_REMEDIES = {
    "use as an index": "To read an array at a traced position, make it part of the trace: wg.tensor(array)[i], or pass "
    "the array as an argument. Where the number decides on shapes or on how often a loop runs, pass it as a Python "
    "int, which is not traced",
    "np.asarray": "Functions that NumPy does not dispatch (math.*, other libraries) can't be traced; use NumPy's. To "
    "read a plain array at traced positions, write wg.tensor(array)[index]",
    "if, while, and, or or bool()": "Choose elements with np.where(condition, a, b), branch with wg.cond, loop with "
    "wg.while_loop; combine conditions with & and |",
}


def needed(what: str, x: Symbolic) -> str:
    """The message where a traced value's elements are asked for."""
    remedy = _REMEDIES.get(what, "Compute with NumPy's functions, and return what is to be looked at")
    source: Source | None = x._trace.here()
    where = "" if source is None else f" ({source.file}, line {source.line}, in {source.function})"
    return (
        f"wg.jit: {what} needs the value of an array that is being traced, of shape {x.shape} and dtype {x.dtype}, "
        f"and it has none while the function is compiled{where}. {remedy}; or mark the argument that it comes from as "
        "static: wg.jit(f, static_argnums=...)."
    )


def symbolic(trace: Any, value: Value, model: Any, weak: type | None = None) -> Symbolic:
    """A box over ``value``."""
    made: Symbolic = object.__new__(Symbolic)
    made._inner = value
    made._level = trace.level
    made._alias = None
    made._trace = trace
    made._model = model
    made._weak = weak
    return made


def view_of(made: Symbolic, op: Op, params: Params, parent: Symbolic) -> Symbolic:
    """``made``, known to show the memory of ``parent``."""
    made._alias = View(op, params, parent, parent._inner)
    return made


# Operators, on a shorter way than through the table


def _binary(name: str, op: Op) -> None:
    forward, backward = getattr(ArrayLike, f"__{name}__"), getattr(ArrayLike, f"__r{name}__")

    def first(self: Symbolic, other: Any) -> Any:
        trace = self._trace
        if trace is modes.trace() and (type(other) in PLAIN or (type(other) is Symbolic and other._trace is trace)):
            return trace.record(op, (self, other), NO_PARAMS)
        return forward(self, other)

    def second(self: Symbolic, other: Any) -> Any:
        if self._trace is modes.trace() and type(other) in PLAIN:
            return self._trace.record(op, (other, self), NO_PARAMS)
        return backward(self, other)

    setattr(Symbolic, f"__{name}__", first)
    setattr(Symbolic, f"__r{name}__", second)


for _name, _ufunc in OPERATORS.items():
    if _ufunc in UFUNCS:
        _binary(_name, UFUNCS[_ufunc])
