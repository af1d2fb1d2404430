"""Whole Jacobians and Hessians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import wrap
from wengert.core.dispatch import Box
from wengert.core.trees import flatten
from wengert.errors import ConversionError, OutputError, UnsupportedFunction
from wengert.transforms.arguments import check_argnums, check_callable, name_of, positions
from wengert.transforms.reverse import grad, vjp
from wengert.transforms.vmap import vmap

__all__ = ["hessian", "jacobian"]


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the derivative of every element of ``f``'s value by every element of its argument.

    For arrays, the result's shape is the value's followed by the argument's. For trees, it is the value's tree whose
    leaves are trees like the argument; a tuple of those for a sequence ``argnums``. Of a holomorphic function of
    complex numbers it is the complex derivative.

    It takes one backward pass an element of the value, many of them together. Where ``f`` is not differentiable,
    ``docs/conventions.md`` says which value is returned.

    Raises ``InputError`` for arguments without a derivative (integers, objects, strings), ``OutputError`` if ``f``
    returns something that was not computed from tensors.

    >>> import numpy as np, wengert as wg
    >>> wg.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable("jacobian", f)
    check_argnums("jacobian", argnums)
    bare = not isinstance(argnums, tuple | list)

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
        rows = [_rows(f, k, leaves, build, pullback) for k in range(len(leaves))]
        return build(rows if bare or len(where) > 1 else [(row,) for row in rows])

    return transformed


def _rows(f: Callable[..., Any], k: int, leaves: list[Any], build: Any, pullback: Any) -> Any:
    """The derivative of leaf ``k`` of the value: what pulling back its unit vectors gives, stacked."""
    leaf = leaves[k]

    def pulled(seed: Array) -> tuple[list[Any], Any]:
        return flatten(pullback(build([seed if y is leaf else np.zeros(y.shape, y.dtype) for y in leaves])))

    units = np.eye(leaf.size, dtype=leaf.dtype).reshape(leaf.size, *leaf.shape)
    template, rebuild = pulled(np.zeros(leaf.shape, leaf.dtype))
    if not len(units):
        return rebuild([np.zeros(leaf.shape + np.shape(x), leaf.dtype) for x in template])
    columns = _pulled_all(lambda unit: pulled(unit)[0], units, template)
    if leaf.dtype.kind == "c":
        turned = _pulled_all(lambda unit: pulled(unit)[0], 1j * units, template)
        columns = [_complex_rows(f, r, t) for r, t in zip(columns, turned, strict=True)]
    return rebuild([np.reshape(column, leaf.shape + column.shape[1:]) for column in columns])


def _pulled_all(pull: Callable[[Array], list[Any]], seeds: Array, template: list[Any]) -> list[Array]:
    """For each array that ``pull`` gives, those for all ``seeds``, stacked: by batches, where there are many."""
    if len(seeds) >= _MANY:
        try:
            parts = [vmap(pull)(seeds[i : i + _AT_ONCE]) for i in range(0, len(seeds), _AT_ONCE)]
        except (ConversionError, UnsupportedFunction):  # a person's pullback need not work on a batch
            parts = []
        if parts:
            columns = [np.concatenate(column) if len(parts) > 1 else column[0] for column in zip(*parts, strict=True)]
            return [
                wrap(column, 0, None) if isinstance(x, Box) and not isinstance(column, Box) else column
                for column, x in zip(columns, template, strict=True)
            ]
    return [np.stack(column) for column in zip(*[pull(seed) for seed in seeds], strict=True)]


_MANY = 6
"""From how many backward passes on it is quicker to do them together."""
_AT_ONCE = 64
"""How many backward passes are done together, which take as many times the memory of one."""


def _complex_rows(f: Callable[..., Any], r: Array, turned: Array) -> Array:
    """The derivatives of complex numbers, from the pullbacks ``r`` of 1 and ``turned`` of the imaginary unit.

    By a real variable they are its real and its imaginary part. By a complex one they are its conjugate, and that times
    the imaginary unit, exactly if the function satisfies the Cauchy-Riemann equations.
    """
    if np.result_type(r).kind != "c":
        return r + 1j * turned
    if not np.allclose(1j * r, turned, equal_nan=True):
        raise OutputError(
            f"jacobian: {name_of(f)} is not holomorphic, so it has no complex derivative. Take the Jacobian of a "
            "function of the real and the imaginary part, or products with it by wg.vjp and wg.jvp."
        )
    return np.conjugate(r)


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of the scalar function ``f``: the Jacobian of its gradient.

    For an array argument the result's shape is the argument's, twice, and its dtype the argument's.

    Raises ``InputError`` and ``OutputError`` as :func:`wengert.grad` does, ``UndefinedDerivative`` where ``f`` has no
    second derivative and no convention gives one (the norm at 0).

    >>> import numpy as np, wengert as wg
    >>> wg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    check_callable("hessian", f)
    return jacobian(grad(f, argnums), argnums)
