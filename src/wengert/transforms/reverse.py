"""Reverse mode: gradients and vector-Jacobian products of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.tensor import Tensor, lift
from wengert.core.aliasing import is_differentiated
from wengert.core.dispatch import Box, close_level, open_level
from wengert.core.guard import begin, end, freeze, thaw
from wengert.core.masking import reach_of
from wengert.core.sweep import sweep
from wengert.core.trees import flatten, is_like
from wengert.errors import InvalidGradient, OutputError
from wengert.transforms.arguments import (
    Variables,
    check_argnums,
    check_callable,
    name_of,
    output,
    outputs,
    own,
    positions,
    split_aux,
    without,
)

__all__ = ["grad", "value_and_grad", "vjp"]


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns ``f``'s value and its gradient.

    ``f`` returns a real scalar; its arguments at ``argnums`` are arrays or numbers of floating-point or complex type,
    or trees of them (dicts, lists, tuples, named tuples, dataclasses, attrs classes). The gradient has the structure,
    shapes and dtypes of the argument: one tree for an integer ``argnums``, a tuple of trees for a sequence. With
    ``has_aux=True``, ``f`` returns ``(value, aux)`` and the result is ``((value, aux), gradient)``.

    The gradient with respect to complex ``z`` is ``2 ∂f/∂z̄``, the direction of steepest ascent. Where ``f`` is not
    differentiable, ``docs/conventions.md`` says which value is returned.

    Arguments are never changed: a function that updates its argument in place updates a private copy.

    Raises ``InputError`` for arguments without a derivative (integers, objects, strings), ``OutputError`` if ``f``
    does not return a real scalar computed from tensors.

    >>> import numpy as np, wengert as wg
    >>> def loss(params, x):
    ...     return np.sum((params["w"] * x + params["b"]) ** 2)
    >>> value, gradient = wg.value_and_grad(loss)({"w": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, -1.0]))
    >>> float(value), gradient
    (14.5, {'w': array([21.,  3.]), 'b': 4.0})
    """
    return _value_and_grad("value_and_grad", f, argnums, has_aux)


def _value_and_grad(
    what: str, f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool
) -> Callable[..., tuple[Any, Any]]:
    """The function that ``what`` returns, of a value and a gradient."""
    check_callable(what, f)
    check_argnums(what, argnums)
    bare = not isinstance(argnums, tuple | list)
    known: dict[int, tuple[int, ...]] = {}

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        where = known.get(len(args))
        if where is None:
            where = known[len(args)] = positions(f, argnums, len(args))
        variables = Variables(what, args, where)
        level = open_level()
        freeze(variables.leaves, level)
        cotangents = _NO_COTANGENTS
        try:
            try:
                lifted = [lift(x, level) for x in variables.leaves]
                nodes: list[Any] = [t._node for t in lifted]
                y = f(*variables.call(args, lifted), **kwargs)
                aux = None
                if has_aux:
                    y, aux = split_aux(f, y)
                value = y = _scalar(what, f, y)
            finally:
                close_level(level)
            if type(y) is Tensor and y._level == level:
                value = y._inner
                if y._node is not None:
                    cotangents = sweep(y._node, value.dtype.type(1), nested=is_differentiated(value))
        finally:
            thaw(level)
        if isinstance(value, Box):
            value = own(value)
        leaves = [cotangents[n] if n in cotangents else np.zeros(n.shape, n.dtype) for n in nodes]
        gradient = variables.result(leaves, bare)
        return ((value, without(aux, level)) if has_aux else value), gradient

    return transformed


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns ``f``'s gradient; all else is as for :func:`value_and_grad`.

    With ``has_aux=True`` the result is ``(gradient, aux)``.

    >>> import numpy as np, wengert as wg
    >>> wg.grad(lambda x: x**3)(2.0)
    12.0
    >>> wg.grad(wg.grad(lambda x: x**3))(2.0)
    12.0
    """
    both = _value_and_grad("grad", f, argnums, has_aux)

    @wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed


def vjp(f: Callable[..., Any], *primals: Tree, has_aux: bool = False) -> tuple[Any, ...]:
    """``f``'s value at ``primals`` and its pullback there.

    The pullback takes a cotangent of the same structure and shapes as the value, and returns the cotangent of the
    primal (of a tuple of primals, if there are several). It may be called any number of times. With ``has_aux=True``
    ``f`` returns ``(value, aux)``, and ``vjp`` returns ``(value, pullback, aux)``.

    Raises ``InputError`` and ``OutputError`` as :func:`value_and_grad` does; the pullback raises ``InvalidGradient``
    if the cotangent's structure or shape isn't the value's.

    >>> import numpy as np, wengert as wg
    >>> value, pullback = wg.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    check_callable("vjp", f)
    variables = Variables("vjp", primals, range(len(primals)))
    level = open_level()
    locks = begin(level)
    try:
        lifted = [lift(x if isinstance(x, Box) else np.array(x)[()], level) for x in variables.leaves]
        nodes: list[Any] = [t._node for t in lifted]
        out = f(*variables.call(primals, lifted))
        out, *extra = split_aux(f, out) if has_aux else (out,)
        boxes, build = outputs("vjp", f, out)
    except BaseException:
        locks.clear()
        raise
    finally:
        close_level(level)
        end(level)
    roots = [y._node if type(y) is Tensor and y._level == level else None for y in boxes]
    values = [y._inner if type(y) is Tensor and y._level == level else y for y in boxes]
    nested = any([is_differentiated(v) for v in values])
    values = [own(v) for v in values]
    value = build(values)

    def pullback(cotangent: Tree) -> Tree:
        given = _matching(f, cotangent, value)
        _ = locks  # which live as long as the pullback
        totals: dict[Any, Array] = {}
        for root, g in zip(roots, given, strict=True):
            if root is not None:
                seeded = reach_of(g) is not None
                for node, r in sweep(root, g, retain=True, seeded=seeded, nested=nested).items():
                    totals[node] = totals[node] + r if node in totals else r
        leaves = [totals[n] if n in totals else np.zeros(n.shape, n.dtype) for n in nodes]
        return variables.result(leaves, bare=len(primals) == 1)

    return (value, pullback, *[without(aux, level) for aux in extra])


_NO_COTANGENTS: dict[Any, Array] = {}


def _scalar(what: str, f: Callable[..., Any], y: Any) -> Any:
    """What ``f`` returned, as a box that is a real scalar."""
    if type(y) is Tensor and y._alias is None and y._inner.shape == () and y._inner.dtype.kind == "f":
        return y
    y = output(what, f, y)
    if y.shape != ():
        raise OutputError(
            f"{what}: {name_of(f)} returned shape {y.shape}; a gradient is of a scalar. Reduce it (np.sum, np.mean, "
            "y[0]), or use wg.jacobian or wg.vjp for all of it."
        )
    if y.dtype.kind != "f":
        raise OutputError(
            f"{what}: {name_of(f)} returned dtype {y.dtype}; a gradient is of a real number. Take a real part, np.abs "
            "or a norm, or use wg.jacobian for the derivative of a holomorphic function."
        )
    return y


def _matching(f: Callable[..., Any], cotangent: Tree, value: Tree) -> list[Array]:
    """The cotangent's leaves, checked against the value's."""
    given, values = flatten(cotangent)[0], flatten(value)[0]
    where = f"The pullback of {name_of(f)}"
    if len(given) != len(values) or not is_like(cotangent, value):
        raise InvalidGradient(
            f"{where} takes a cotangent of the value's structure, with {len(values)} leaves; got {len(given)} leaves "
            f"in a {type(cotangent).__name__}."
        )
    result = []
    for g, y in zip(given, values, strict=True):
        if not isinstance(g, Box):
            g = np.asarray(g)[()]
        if g.dtype.kind not in "biufc":
            raise InvalidGradient(f"{where} takes numbers; got dtype {g.dtype}.")
        if g.shape != y.shape:
            raise InvalidGradient(f"{where} takes a cotangent of the value's shape {y.shape}; got {g.shape}.")
        if g.dtype.kind == "c" and y.dtype.kind != "c":
            raise InvalidGradient(f"{where} got a complex cotangent; the value is real ({y.dtype}). Give a real one.")
        result.append(g)
    return result
