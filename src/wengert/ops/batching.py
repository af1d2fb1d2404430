"""How operations work on a batch: what each does to many examples at once, the batch along the first axis.

``BATCHING`` has a rule for each operation that isn't elementwise and that is worth doing at once; elementwise ones need
none, and whatever is not in it is done example by example, which is slow but right. A rule is given the operation, its
arrays, which of them are ``mapped`` (have the batch axis in front; the others are the same for all examples), the
parameters of the call for one example, and the number of examples. It calls NumPy's functions, or ``apply``, on whole
arrays and never looks at elements, so it holds for boxed and for symbolic arrays too. A parameter that differs from
example to example is a ``Mapped``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert._types import PLAIN, Array, Params
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.errors import ConversionError, InputError, UnsupportedFunction

__all__ = [
    "BATCHING",
    "Mapped",
    "Same",
    "aligned",
    "along",
    "along_axes",
    "along_last_axes",
    "batch_rule",
    "differs",
    "laid_out",
    "mapped_all",
    "one_by_one",
    "pointwise",
    "rule_of",
]

Rule = Callable[[Op, Sequence[Any], Sequence[bool], Params, int], Any]

BATCHING: dict[str | Op, Rule] = {}
"""By the name of an operation of the table, or by the operation itself: its rule."""


class Mapped:
    """A parameter that is an array for each example: ``array`` has the batch axis in front."""

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array


class Same:
    """A result that is the same for all examples, so that it has no batch axis."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def batch_rule(*names: str | Op) -> Callable[[Rule], Rule]:
    """Decorates the rule of the operations called ``names``; of one that is not in the table, itself."""

    def enter_rule(rule: Rule) -> Rule:
        BATCHING.update(dict.fromkeys(names, rule))
        return rule

    return enter_rule


def rule_of(op: Op) -> Rule:
    """The rule of ``op``, derived where none is stated."""
    is_entry = OPS.get(op.name) is op
    rule = BATCHING.get(op.name if is_entry else op)
    if rule is None:
        if op.joint is not None and not is_entry:
            return _persons_own
        is_ufunc = isinstance(op.fun, np.ufunc) and op.fun.signature is None
        rule = pointwise if op.kind == "elementwise" or is_ufunc else one_by_one
    return rule


# What rules are made of


def aligned(x: Array, ndim: int) -> Array:
    """``x``, a batch of examples, with axes of length 1 put in so that each example has ``ndim`` of them."""
    missing = ndim + 1 - x.ndim
    return np.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:])) if missing > 0 else x


def mapped_all(xs: Sequence[Any], mapped: Sequence[bool], count: int) -> list[Array]:
    """``xs``, those that are the same for all examples repeated."""
    return [x if m else np.broadcast_to(x, (count, *np.shape(x))) for x, m in zip(xs, mapped, strict=True)]


def differs(params: Params) -> bool:
    """Whether one of ``params`` is not the same for all examples."""
    return any([type(p) is Mapped for p in params.values()])


def pointwise(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    """Elements for themselves: axes of the examples are lined up from the last, behind the batch axis."""
    if differs(params):
        return one_by_one(op, xs, mapped, params, count)
    ndim = max([np.ndim(x) - m for x, m in zip(xs, mapped, strict=True)])
    return apply(op, [aligned(x, ndim) if m else x for x, m in zip(xs, mapped, strict=True)], params)


BATCHING.update(
    dict.fromkeys(
        [
            "from_parts",
            "where",
            "real",
            "imag",
            "fraction",
            "exponent",
            "direction",
            "round",
            "around",
            "fix",
            "isposinf",
            "isneginf",
            "iscomplex",
            "isreal",
            "isclose",
        ],
        pointwise,
    )
)


def one_by_one(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Any:
    """Example by example. Of no examples the result's form is found with one of ones."""
    if count == 0:
        ones = [np.ones(np.shape(x)[1:], x.dtype)[()] if m else x for x, m in zip(xs, mapped, strict=True)]
        y = apply(op, ones, {name: _ones_like(p) for name, p in params.items()})
        return _stacked(op, [y])[:0] if not isinstance(y, tuple) else tuple([_stacked(op, [part])[:0] for part in y])
    ys = [
        apply(
            op,
            [x[i] if m else x for x, m in zip(xs, mapped, strict=True)],
            {name: _example_of(p, i) for name, p in params.items()},
        )
        for i in range(count)
    ]
    if isinstance(ys[0], tuple):
        return tuple([_stacked(op, parts) for parts in zip(*ys, strict=True)])
    return _stacked(op, ys)


def _stacked(op: Op, ys: Sequence[Any]) -> Array:
    if not all([isinstance(y, Box) or (type(y) in PLAIN and np.asarray(y).dtype.kind in "biufc") for y in ys]):
        raise ConversionError(
            f"vmap: {op.name} gives a {type(ys[0]).__name__} for each example, which isn't an array of numbers. "
            "Compute it outside the function that is mapped, example by example."
        )
    if len({np.shape(y) for y in ys}) > 1:
        raise InputError(
            f"vmap: the shape of what {op.name} gives depends on the values of each example, so the results can't be "
            f"stacked: {np.shape(ys[0])} and others. Compute it outside the function that is mapped, or use a form "
            "whose shape is fixed, such as np.where(mask, x, 0)."
        )
    return np.stack(ys)


def _example_of(param: Any, i: int) -> Any:
    """``param`` of example ``i``."""
    if type(param) is Mapped:
        return param.array[i]
    return type(param)([_example_of(p, i) for p in param]) if type(param) in (tuple, list) else param


def _ones_like(param: Any) -> Any:
    if type(param) is Mapped:
        return np.ones(param.array.shape[1:], param.array.dtype)[()]
    return type(param)(map(_ones_like, param)) if type(param) in (tuple, list) else param


def _persons_own(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    """An operation with a person's pullback, which a parameter carries along, once it has been run."""
    made = {name: p.over_batch(mapped, count) for name, p in params.items() if hasattr(p, "over_batch")}
    if not made:
        raise UnsupportedFunction(
            f"vmap: {op.name} has a pullback of its own, made for one example. Give the function its rule with "
            "wg.custom_gradient, or call it outside the function that is mapped."
        )
    return apply(op, xs, {**params, **made})


@batch_rule("nonzero", "flatnonzero", "argwhere", "array_repr", "array_str", "array2string", "save", "savez",
            "savez_compressed", "savetxt")  # fmt: skip
def _refused(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Any:
    raise ConversionError(
        f"vmap: what np.{op.name} gives depends on the elements of one example, and this array stands for {count} of "
        "them. Choose elements with np.where(condition, a, b), or do it outside the function that is mapped."
    )


def laid_out(y: Array, order: Any) -> Array:
    """``y``, each example of which lies in memory in ``order``: as ``wengert.core.aliasing.Layout`` says it."""
    ndim = y.ndim - 1
    if order == "C" or ndim < 2:
        return np.copy(y, "C")
    axes = range(ndim)[::-1] if order == "F" else sorted(range(ndim), key=lambda i: -abs(order[i]))
    places = (0, *[i + 1 for i in axes])
    return np.transpose(np.copy(np.transpose(y, places), "C"), np.argsort(places))


# Along axes


def along(op: Op, x: Array, params: Params, name: str, axis: Any) -> Array:
    """``op(x, **params)`` with the parameter ``name``, one or several axes, moved behind the batch axis."""
    if type(axis) is int and 0 <= axis < x.ndim - 1:
        return apply(op, (x,), {**params, name: axis + 1})
    shifted = normalize_axis_tuple(axis, x.ndim - 1)
    return apply(op, (x,), {**params, name: tuple([i + 1 for i in shifted]) if type(axis) is tuple else shifted[0] + 1})


def along_axes(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    """The rule of an operation on one array whose ``axis`` says along which axes it works, all others being alike."""
    (x,) = xs
    if x.ndim == 1:
        return one_by_one(op, xs, mapped, params, count)
    axis = params.get("axis")
    return along(op, x, params, "axis", tuple(range(x.ndim - 1)) if axis is None else axis)


def along_last_axes(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    """The rule of an operation along the last axes, to which those in front are alike, however many there are."""
    return apply(op, mapped_all(xs, mapped, count), params)
