"""Forward mode: Jacobian-vector and Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.dual import Dual, dual
from wengert.core.dispatch import Box, new_level
from wengert.core.masking import reach_of
from wengert.core.trees import flatten
from wengert.errors import InputError
from wengert.transforms.arguments import Variables, name_of, output, split_aux, without
from wengert.transforms.reverse import grad

__all__ = ["hvp", "jvp"]


def jvp(
    f: Callable[..., Any], primals: Sequence[Tree], tangents: Sequence[Tree], has_aux: bool = False
) -> tuple[Any, ...]:
    """``f``'s value at ``primals``, and its derivative there along ``tangents``: ``(value, tangent)``.

    ``primals`` and ``tangents`` are tuples of arguments of the same structure and shapes. The tangent has the
    structure, shapes and dtypes of the value. With ``has_aux=True``, ``f`` returns ``(value, aux)``, and ``jvp`` returns
    ``(value, tangent, aux)``.

    Raises ``InputError`` if primals have no derivative or tangents don't match them.

    >>> import numpy as np, wengert as wg
    >>> value, tangent = wg.jvp(np.sin, (0.0,), (2.0,))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise InputError("jvp: primals and tangents are tuples of arguments; for one argument write (x,) and (t,).")
    variables = Variables("jvp", primals, range(len(primals)))
    directions = _directions(f, variables.leaves, tangents)
    level = new_level()
    lifted = [dual(x, t, level, reach_of(t)) for x, t in zip(variables.leaves, directions, strict=True)]
    out = f(*variables.call(primals, lifted))
    aux: tuple[Any, ...] = ()
    if has_aux:
        out, extra = split_aux(f, out)
        aux = (without(extra, level),)
    leaves, build = flatten(out)
    values, derivatives = [], []
    for leaf in leaves:
        y = output("jvp", f, leaf)
        mine = isinstance(y, Dual) and y._level == level
        values.append(y._data if mine else y)
        tangent = y._tangent if mine else None
        derivatives.append(np.zeros(y.shape, y.dtype)[()] if tangent is None else tangent)
    return (build(values), build(derivatives), *aux)


def hvp(f: Callable[..., Any], primals: Sequence[Tree], tangents: Sequence[Tree]) -> Any:
    """The Hessian of the scalar function ``f`` at ``primals``, times ``tangents``: forward over reverse.

    It costs a few evaluations of ``f`` whatever the number of variables. Returns a tree like the primal; a tuple of
    trees if there are several primals.

    >>> import numpy as np, wengert as wg
    >>> wg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    array([  6., 120.])
    """
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]


def _directions(f: Callable[..., Any], leaves: Sequence[Array], tangents: Sequence[Tree]) -> list[Array]:
    """The tangents' leaves, checked against the primals' and of their dtype."""
    given = [t for tangent in tangents for t in flatten(tangent)[0]]
    if len(given) != len(leaves):
        raise InputError(f"jvp of {name_of(f)}: the primals have {len(leaves)} leaves, the tangents {len(given)}.")
    result = []
    t: Any
    for x, t in zip(leaves, given, strict=True):
        t = t if isinstance(t, Box) else np.asarray(t)[()]
        if t.shape != x.shape:
            raise InputError(f"jvp of {name_of(f)}: a tangent has shape {t.shape}, its primal {x.shape}.")
        if t.dtype.kind == "c" and x.dtype.kind != "c":
            raise InputError(f"jvp of {name_of(f)}: a tangent is complex, its primal real. Give a real tangent.")
        result.append(t if t.dtype == x.dtype else t.astype(x.dtype))
    return result
