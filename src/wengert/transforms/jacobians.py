"""Whole Jacobians and Hessians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from wengert.core.trees import flatten
from wengert.transforms.arguments import check_argnums, check_callable, positions
from wengert.transforms.reverse import grad, vjp

__all__ = ["hessian", "jacobian"]


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the derivative of every element of ``f``'s value by every element of its argument.

    For arrays, the result's shape is the value's followed by the argument's. For trees, it is the value's tree whose
    leaves are trees like the argument; a tuple of those for a sequence ``argnums``. Of a holomorphic function of
    complex numbers it is the complex derivative.

    It takes one backward pass an element of the value.

    >>> import numpy as np, wengert as wg
    >>> wg.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable("jacobian", f)
    check_argnums("jacobian", argnums)
    bare = isinstance(argnums, int)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        where = positions(f, argnums, len(args))

        def of_variables(*variables: Any) -> Any:
            call = list(args)
            for i, x in zip(where, variables, strict=True):
                call[i] = x
            return f(*call, **kwargs)

        of_variables.__name__ = getattr(f, "__name__", "f")
        value, pullback = vjp(of_variables, *[args[i] for i in where])
        leaves, build = flatten(value)
        rows = []
        for k, leaf in enumerate(leaves):
            rows.append(_rows(leaf, k, leaves, build, pullback))
        result = build(rows)
        return result if bare or len(where) > 1 else (result,)

    return transformed


def _rows(leaf: Any, k: int, leaves: list[Any], build: Any, pullback: Any) -> Any:
    """The derivative of one leaf of the value: pullbacks of its unit vectors, stacked."""
    pulled = []
    for i in range(leaf.size):
        unit = np.zeros(leaf.size, leaf.dtype)
        unit[i] = 1
        seeds = [np.zeros(y.shape, y.dtype) for y in leaves]
        seeds[k] = unit.reshape(leaf.shape)
        pulled.append(flatten(pullback(build(seeds))))
    if not pulled:
        template, rebuild = flatten(pullback(build([np.zeros(y.shape, y.dtype) for y in leaves])))
        return rebuild([np.zeros(leaf.shape + np.shape(x), leaf.dtype) for x in template])
    rebuild = pulled[0][1]
    columns = zip(*[row for row, _ in pulled], strict=True)
    return rebuild([_stack(column, leaf) for column in columns])


def _stack(rows: Sequence[Any], leaf: Any) -> Any:
    stacked = np.stack([np.conjugate(r) if leaf.dtype.kind == "c" else r for r in rows])
    return np.reshape(stacked, leaf.shape + stacked.shape[1:])


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of the scalar function ``f``: the Jacobian of its gradient.

    For an array argument the result's shape is the argument's, twice.

    >>> import numpy as np, wengert as wg
    >>> wg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    check_callable("hessian", f)
    return jacobian(grad(f, argnums), argnums)
