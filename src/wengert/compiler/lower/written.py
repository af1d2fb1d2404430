"""Formulas in NumPy's functions as lowerings: a formula is called with arrays that build values.

So what the table computes by a formula is written once, there, or is written here as on paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from wengert._types import Shape
from wengert.compiler.build import Builder
from wengert.compiler.graph import Applied, Value
from wengert.compiler.lower.elementwise import ELEMENTWISE, elementwise
from wengert.compiler.lower.rules import RULES, Rule, as_value, axes_of, rule, truth
from wengert.core.op import Op
from wengert.core.registry import OPS, UFUNCS

__all__ = ["formula", "rule_of"]


def formula(*names: str) -> Callable[[Callable[..., Any]], Rule]:
    """Decorates a formula of floating-point arrays that computes the operations of these names.

    It is called with the operation's inputs, and its parameters.
    """

    def enter(function: Callable[..., Any]) -> Rule:
        return rule(*names)(rule_of(function))

    return enter


def rule_of(function: Callable[..., Any]) -> Rule:
    """The rule that a formula is."""

    def lowered(b: Builder, *args: Any, value: Value, **params: Any) -> Value | None:
        if value.dtype.kind != "f" or any([isinstance(p, Value) for p in params.values()]):
            return None
        made = function(*[Written(b, as_value(b, x, value.dtype)) for x in args], **params)
        return b.broadcast(as_value(b, made.value if isinstance(made, Written) else made, value.dtype), value.shape)

    return lowered


class Written(NDArrayOperatorsMixin):
    """An array in a formula. NumPy's functions of it build what they compute."""

    __slots__ = ("b", "value")

    def __init__(self, b: Builder, value: Value) -> None:
        self.b = b
        self.value = value

    @property
    def shape(self) -> Shape:
        """Its lengths."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its dtype."""
        return self.value.dtype

    def __getitem__(self, index: tuple[()]) -> Written:
        """``x[()]``: itself."""
        if index != ():
            raise TypeError(f"A formula reads no elements; got the index {index!r}.")
        return self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        op = UFUNCS.get(ufunc) or OPS[ufunc.__name__]
        args = [x.value if isinstance(x, Written) else x for x in inputs]
        kinds = [x.dtype if isinstance(x, Value | np.generic | np.ndarray) else type(x) for x in args]
        dtype = ufunc.resolve_dtypes((*[np.dtype(bool) if k is bool else k for k in kinds], None))[-1]
        value = self._wanted(op, np.broadcast_shapes(*[np.shape(x) for x in args]), dtype)
        made = elementwise(self.b, op, args, value) if op.name in ELEMENTWISE else RULES[op.name](
            self.b, *args, value=value
        )  # fmt: skip
        return NotImplemented if made is None else Written(self.b, made)

    def _wanted(self, op: Op, shape: Shape, dtype: np.dtype[Any]) -> Value:
        return Value("apply", (), Applied(op, (), {}), shape, dtype)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.where:
            return self._chosen(*args)
        if function is np.sum or function is np.max:
            return self._reduced("sum" if function is np.sum else "max", *args, **kwargs)
        if function is np.ones_like:
            return Written(self.b, self.b.broadcast(self.b.number(1, self.dtype), self.shape))
        return NotImplemented

    def _chosen(self, condition: Any, x: Any, y: Any) -> Written:
        b = self.b
        parts = [z.value if isinstance(z, Written) else z for z in (condition, x, y)]
        dtype = np.result_type(*[z.dtype if isinstance(z, Value) else z for z in parts[1:]])
        return Written(b, b.map("select", truth(b, parts[0]), *[as_value(b, z, dtype) for z in parts[1:]]))

    def _reduced(self, kind: str, x: Written, axis: Any = None, keepdims: bool = False) -> Written:
        axes = axes_of(axis, x.value.ndim)
        made = self.b.reduce(kind, x.value, axes)
        if keepdims:
            made = self.b.reshape(made, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))
        return Written(self.b, made)
