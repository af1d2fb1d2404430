"""``execute_op``: a person's operation, run and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wengert._types import Array
from wengert.arrays.results import as_result
from wengert.arrays.tensor import Tensor, wrap
from wengert.compat.mygrad.operation_base import Operation, Ufunc
from wengert.core.aliasing import deliver, innermost, keeps_gradient
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op
from wengert.core.tape import leaf
from wengert.errors import InputError, InvalidGradient, OutputError, UnsupportedFunction

__all__ = ["execute_op"]


def execute_op(
    op_cls: type[Operation],
    *input_vars: Any,
    op_args: Sequence[Any] | None = None,
    op_kwargs: Mapping[str, Any] | None = None,
    constant: bool | None = None,
    out: Any = None,
) -> Tensor:
    """The tensor ``op_cls()(*input_vars, *op_args, **op_kwargs)``, with the derivative that the operation states.

    ``input_vars`` are tensors, arrays, numbers or nested sequences of them; ``op_cls`` is a subclass of
    :class:`wengert.compat.mygrad.operation_base.Operation`. The result is a constant if ``constant`` says so or, by
    default, if its dtype is integer or boolean or no input is a variable. ``out``, a tensor or array, is updated in
    place and the result is written to it.

    Raises ``TypeError`` if ``op_cls`` is no such class or ``constant`` is not a bool or ``None``, ``ValueError`` for
    ``constant=False`` with a result of integers or booleans, ``InvalidGradient`` on the way back if the operation
    returns no numbers, or a shape that broadcasting does not explain.

    >>> import numpy as np, wengert as wg
    >>> from wengert.compat.mygrad import execute_op
    >>> from wengert.compat.mygrad.operation_base import Operation
    >>> class Multiply(Operation):
    ...     def __call__(self, a, b):
    ...         self.variables = (a, b)
    ...         return a.data * b.data
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return grad * self.variables[1 - index].data
    >>> a, b = wg.tensor([1.0, 2.0]), wg.tensor(3.0)
    >>> execute_op(Multiply, a, b).backward()
    >>> a.grad, b.grad
    (array([3., 3.]), array(3.))
    """
    _check_class(op_cls)
    check_constant(constant)
    xs = [operand(x) for x in input_vars]
    if not any([isinstance(x, Box) for x in xs]):
        xs = [wrap(np.asarray(x), 0, None) for x in xs]
    for x in xs:
        if isinstance(x, Box):
            x._bare()  # which the operation may keep as it is now
    operation = op_cls()
    run = _Run([keeps_gradient(x) for x in xs], tuple(op_args or ()), dict(op_kwargs or {}))
    y = apply(_record(op_cls), xs, {"creator": operation, "run": run})
    where = run.kwargs.get("where", True)
    if where is not True and isinstance(operation, Ufunc):
        y = np.where(innermost(where), y, _old(out, y))
    y = as_result(y, constant)
    return as_result(deliver(y, out, op_cls.__name__))


def _old(out: Any, y: Array) -> Array:
    """What a result keeps where it isn't computed."""
    if out is None:
        return np.zeros((), y.dtype)
    return out if isinstance(out, Box) else out.copy()  # as ``out`` itself is yet to be written to


def _check_class(op_cls: Any) -> None:
    if not (isinstance(op_cls, type) and issubclass(op_cls, Operation)):
        raise InputError(f"execute_op takes a subclass of Operation; got {op_cls!r}.")


_records: WeakKeyDictionary[type[Operation], Op] = WeakKeyDictionary()


def _record(operation: type[Operation]) -> Op:
    """The engine's record of a class of operations."""
    op = _records.get(operation)
    if op is None:
        op = _records[operation] = Op(operation.__name__, "structured", _forward, ("*xs",), joint=_pull_back)
    return op


class _Run:
    """One run of an operation: which inputs are variables, and the arguments besides them."""

    __slots__ = ("args", "kwargs", "variable")

    def __init__(self, variable: list[bool], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.variable = variable
        self.args = args
        self.kwargs = kwargs


def _forward(*xs: Array, creator: Operation, run: _Run) -> Array:
    """The operation's value, in memory of its own."""
    arrays = [_protected(x) for x in xs]
    creator._inputs = tuple(
        [wrap(x, 0, leaf(x.shape, x.dtype) if v else None) for x, v in zip(arrays, run.variable, strict=True)]
    )
    value = creator(*creator._inputs, *run.args, **run.kwargs)
    if isinstance(value, Box) and value._level > 0 and keeps_gradient(value):
        raise OutputError(
            f"{type(creator).__name__} computes with a traced array that is not among its inputs, whose derivative "
            "would be lost. Pass it as an input, and return its gradient from backward_var too."
        )
    y = np.asarray(innermost(value))
    if any([np.may_share_memory(y, x) for x in arrays]):
        y = y.copy()
    return y if y.ndim else y[()]


def _protected(x: Array) -> np.ndarray[Any, Any]:
    """``x`` as an array that a person's operation may not write into: it is the caller's."""
    array = np.asarray(x).view()
    array.flags.writeable = False
    return array


def _pull_back(g: Array, xs: Sequence[Array], y: Array, creator: Operation, run: _Run) -> list[Array | None]:
    """One cotangent an input: what the operation's ``backward`` collects.

    ``xs`` and ``y`` are asked for so that they are kept as they are: the operation may have saved them.
    """
    name = type(creator).__name__
    if any([keeps_gradient(x) for x in xs]):
        raise UnsupportedFunction(
            f"{name} is an Operation with a backward_var, which gives first derivatives only, and a derivative of its "
            "derivative was asked for. Write it as a function with wg.custom_gradient, or with NumPy functions alone."
        )
    if not hasattr(creator, "variables"):
        raise InputError(f"{name}.__call__ must set self.variables to the tuple of tensors it was given.")
    creator._collected = [None] * len(xs)
    creator.backward(g._frozen() if isinstance(g, Box) else np.array(g))
    collected = creator._collected
    del creator._collected
    for i, (variable, r) in enumerate(zip(run.variable, collected, strict=True)):
        if variable and r is None:
            raise InvalidGradient(
                f"{name} gave no gradient for input {i}, which is a variable. Put the input into self.variables, call "
                "super().backward(grad) from an overridden backward; or pass the input as a constant."
            )
    return collected
