"""Forward mode: Jacobian-vector and Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.dual import Dual, dual
from wengert.arrays.tensor import wrap
from wengert.core import modes
from wengert.core.dispatch import Box, close_level, open_level
from wengert.core.masking import reach_of
from wengert.core.trees import flatten, is_like
from wengert.errors import InputError
from wengert.transforms.arguments import Variables, check_callable, name_of, outputs, own, split_aux, without
from wengert.transforms.reverse import grad

__all__ = ["hvp", "jvp"]


def jvp(
    f: Callable[..., Any], primals: Sequence[Tree], tangents: Sequence[Tree], has_aux: bool = False
) -> tuple[Any, ...]:
    """``f``'s value at ``primals``, and its derivative there along ``tangents``: ``(value, tangent)``.

    ``primals`` and ``tangents`` are tuples of arguments of the same structure and shapes. The tangent has the
    structure, shapes and dtypes of the value. With ``has_aux=True``, ``f`` returns ``(value, aux)``, and ``jvp``
    returns ``(value, tangent, aux)``. Where ``f`` is not differentiable, ``docs/conventions.md`` says which value is
    returned.

    Raises ``InputError`` if primals have no derivative (integers, objects, strings) or tangents don't match them,
    ``OutputError`` if ``f`` returns something that was not computed from arrays.

    >>> import numpy as np, wengert as wg
    >>> value, tangent = wg.jvp(np.sin, (0.0,), (2.0,))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    check_callable("jvp", f)
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise InputError("jvp: primals and tangents are tuples of arguments; for one argument write (x,) and (t,).")
    variables = Variables("jvp", primals, range(len(primals)))
    directions = _directions(f, primals, variables.leaves, tangents)
    level = open_level()
    try:
        lifted = [dual(x, t, level, reach_of(t)) for x, t in zip(variables.leaves, directions, strict=True)]
        out = f(*variables.call(primals, lifted))
        out, *extra = split_aux(f, out) if has_aux else (out,)
        boxes, build = outputs("jvp", f, out)
    finally:
        close_level(level)
    values, derivatives = [], []
    for y in boxes:
        mine = isinstance(y, Dual) and y._level == level
        tangent = y._tangent if mine else None
        if modes.tracing and tangent is not None and (trace := modes.trace()) is not None:
            trace.watch_tangent(tangent)
        values.append(own(y._inner if mine else y))
        derivatives.append(_zero(y, variables.leaves) if tangent is None else _boxed(own(tangent), values[-1]))
    return (build(values), build(derivatives), *[without(aux, level) for aux in extra])


def hvp(f: Callable[..., Any], primals: Sequence[Tree], tangents: Sequence[Tree]) -> Any:
    """The Hessian of the scalar function ``f`` at ``primals``, times ``tangents``: forward over reverse.

    It costs a few evaluations of ``f`` whatever the number of variables. Returns a tree like the primal, of its shapes
    and dtypes; a tuple of trees if there are several primals.

    Raises ``InputError`` and ``OutputError`` as :func:`jvp` and :func:`wengert.grad` do, ``UndefinedDerivative`` where
    ``f`` has no second derivative and no convention gives one (the norm at 0).

    >>> import numpy as np, wengert as wg
    >>> wg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    array([  6., 120.])
    """
    check_callable("hvp", f)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]


def _zero(y: Array, leaves: Sequence[Array]) -> Array:
    """The tangent of a result that does not depend on what is varied."""
    zero = np.zeros(y.shape, y.dtype)[()]
    return wrap(zero, 0, None) if any([isinstance(x, Box) for x in leaves]) else zero


def _boxed(tangent: Array, value: Array) -> Array:
    """``tangent`` as a box, though a constant one, if the value is: an outer transformation is watching."""
    return wrap(tangent, 0, None) if isinstance(value, Box) and not isinstance(tangent, Box) else tangent


def _directions(
    f: Callable[..., Any], primals: Sequence[Tree], leaves: Sequence[Array], tangents: Sequence[Tree]
) -> list[Array]:
    """The tangents' leaves, checked against the primals' and of their dtype."""
    given = [t for tangent in tangents for t in flatten(tangent)[0]]
    if len(given) != len(leaves) or not all([is_like(t, x) for x, t in zip(primals, tangents, strict=True)]):
        raise InputError(
            f"jvp of {name_of(f)}: tangents must have the primals' structure; the primals have {len(leaves)} leaves, "
            f"the tangents {len(given)}."
        )
    result = []
    t: Any
    for x, t in zip(leaves, given, strict=True):
        t = t if isinstance(t, Box) else np.asarray(t)[()]
        if t.dtype.kind not in "biufc":
            raise InputError(f"jvp of {name_of(f)}: a tangent has dtype {t.dtype}; it must be numbers.")
        if t.shape != x.shape:
            raise InputError(f"jvp of {name_of(f)}: a tangent has shape {t.shape}, its primal {x.shape}.")
        if t.dtype.kind == "c" and x.dtype.kind != "c":
            raise InputError(f"jvp of {name_of(f)}: a tangent is complex, its primal real. Give a real tangent.")
        result.append(t if t.dtype == x.dtype else t.astype(x.dtype))
    return result
