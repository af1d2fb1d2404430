"""Calls of ufuncs with keywords, which all ufuncs share: ``out``, ``where``, ``dtype``, ``casting``, ``order``.

Whatever a keyword asks for is done with other operations of the table around the ufunc itself. So it is recorded, and
right in every mode and at every order, without a word of it in any rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import NO_PARAMS, Array, Shape
from wengert.core.aliasing import deliver, innermost, is_traced, keeps_gradient, model_of
from wengert.core.arraymethods import converted
from wengert.core.dispatch import Box, apply, operand
from wengert.core.registry import FUNCTIONS, OPS, UFUNCS
from wengert.errors import InputError, UnsupportedFunction

__all__ = ["call_ufunc", "call_with", "name_of", "unsupported"]

Compute = Callable[..., Any]


def unsupported(name: str) -> UnsupportedFunction:
    """What is raised when a person's function is not in the table."""
    return UnsupportedFunction(
        f"{name} has no derivative rule in wengert. Write it with functions that have one, give it a rule with "
        "wg.custom_gradient, or pass wg.stop_gradient(x) if no derivative should flow through it."
    )


def name_of(ufunc: np.ufunc) -> str:
    """How a person calls the ufunc."""
    is_numpys = getattr(np, ufunc.__name__, None) is ufunc
    return f"np.{ufunc.__name__}" if is_numpys else f"The ufunc {ufunc.__name__}"


def call_ufunc(
    ufunc: np.ufunc,
    inputs: Sequence[Any],
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    casting: Any = None,
    order: Any = "K",
    subok: bool = True,
    signature: Any = None,
    **axes: Any,
) -> Any:
    """``ufunc(*inputs)`` with NumPy's keywords.

    ``where`` computes nothing where it is false: there is no warning and no derivative from there. There, ``out`` keeps
    its old value, and with that its gradient; without ``out`` the result is 0 there, which NumPy leaves undefined.
    ``axes`` are the keywords of ufuncs with a signature, such as ``np.matmul``.
    """
    compute = _plain_call(ufunc, axes)
    inputs = [operand(x) for x in inputs]
    if dtype is not None or signature is not None or casting is not None:
        inputs = _converted(ufunc, inputs, dtype, signature, casting or "same_kind")
    return call_with(compute, inputs, name_of(ufunc), out, where, casting or "same_kind", order or "K", ufunc.nout)


def call_with(
    compute: Compute,
    inputs: Sequence[Any],
    name: str,
    out: Any = None,
    where: Any = True,
    casting: str = "same_kind",
    order: str = "K",
    nout: int = 1,
) -> Any:
    """``compute(*inputs)``, which treats elements alike, with a ufunc's keywords; ``name`` is for error messages."""
    targets = out if isinstance(out, tuple) else (out,) * nout
    if where is not True:
        done = _call_where(compute, inputs, where, targets, casting, order, name)
    else:
        ys = compute(*inputs)
        if out is None and order == "K":
            return ys
        ys = ys if nout > 1 else (ys,)
        if order != "K":
            ys = [np.copy(y, order) for y in ys]  # type: ignore[call-overload]  # a str is meant to be narrower
        done = [
            y if target is None else deliver(_cast(y, target, casting, name), target, name)
            for y, target in zip(ys, targets, strict=True)
        ]
    return done[0] if nout == 1 else tuple(done)


def _plain_call(ufunc: np.ufunc, axes: dict[str, Any]) -> Compute:
    """The ufunc without keywords, for boxed inputs."""
    op = UFUNCS.get(ufunc)
    if op is not None:
        return lambda *xs: apply(op, xs, axes or NO_PARAMS)
    if ufunc in FUNCTIONS:
        return FUNCTIONS[ufunc]
    raise unsupported(name_of(ufunc))


def _converted(ufunc: np.ufunc, inputs: list[Any], dtype: Any, signature: Any, casting: Any) -> list[Any]:
    """The inputs in the dtypes of the loop that NumPy would choose."""
    if dtype is not None or signature is None:
        signature = (None,) * ufunc.nin + (dtype,) * ufunc.nout
    kinds = tuple([type(x) if type(x) in (int, float, complex) else model_of(x).dtype for x in inputs])
    chosen = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), signature=signature, casting=casting)
    return [_as(x, kind) for x, kind in zip(inputs, chosen[: ufunc.nin], strict=True)]


def _as(x: Any, dtype: np.dtype[Any]) -> Any:
    """``x`` as an array of ``dtype``."""
    if not hasattr(x, "dtype"):
        return np.asarray(x, dtype)
    return x if x.dtype == dtype else converted(x, dtype)


def _cast(y: Array, target: Any, casting: str, name: str) -> Array:
    """``y`` for writing to ``target``; an error if ``casting`` forbids that."""
    if not np.can_cast(y.dtype, target.dtype, casting):  # type: ignore[arg-type]  # a str is meant to be narrower
        raise InputError(
            f"{name}: the result has dtype {y.dtype}, which can't be written to out= of {target.dtype} with "
            f"casting={casting!r}. Convert one of them: x.astype(dtype)."
        )
    loses = target.dtype.kind not in "fc" and keeps_gradient(y)
    return y if loses or np.can_cast(y.dtype, target.dtype, "same_kind") else converted(y, target.dtype)


# where=


def _call_where(
    compute: Compute, inputs: Sequence[Any], where: Any, targets: Sequence[Any], casting: str, order: str, name: str
) -> list[Any]:
    """The results of a call with ``where``, which is made of the chosen elements alone.

    Where a function is traced it is made of all elements, of which the others are dropped.
    """
    if is_traced(where) or any([is_traced(x) for x in inputs]):
        return _chosen_afterwards(compute, inputs, where, targets, casting, name)
    mask = np.asarray(innermost(where))
    if mask.dtype != bool:
        raise TypeError(f"{name}: where= is an array of booleans; got {mask.dtype}. Give a comparison: where=(w != 0).")
    shapes = [np.shape(x) for x in (*inputs, mask)]
    shape = np.broadcast_shapes(*shapes, *[np.shape(t) for t in targets if t is not None])
    for target in targets:
        if target is not None and np.shape(target) != shape:
            raise ValueError(f"{name}: out= has shape {np.shape(target)}, while inputs and where= give {shape}.")
    mask = np.array(np.broadcast_to(mask, shape))  # a copy, as the graph keeps it
    ys = compute(*_chosen(inputs, mask, shape))
    ys = ys if isinstance(ys, tuple) else (ys,)
    return [_scattered(y, mask, target, casting, order, name) for y, target in zip(ys, targets, strict=True)]


def _chosen_afterwards(
    compute: Compute, inputs: Sequence[Any], where: Any, targets: Sequence[Any], casting: str, name: str
) -> list[Any]:
    ys = compute(*inputs)
    made = []
    for y, target in zip(ys if isinstance(ys, tuple) else (ys,), targets, strict=True):
        if target is not None:
            y = _cast(y, target, casting, name)
        other = np.zeros((), y.dtype) if target is None else target
        y = np.where(innermost(where), y, other)
        made.append(y if target is None else deliver(y, target, name))
    return made


def _chosen(inputs: Sequence[Any], mask: np.ndarray[Any, Any], shape: Shape) -> list[Any]:
    """Of each input the elements where ``mask`` is true, in one axis; numbers as they are, unless all are."""
    if all([np.ndim(x) == 0 for x in inputs]):
        inputs = [np.asarray(inputs[0]) if not hasattr(inputs[0], "dtype") else inputs[0], *inputs[1:]]
        return [np.broadcast_to(inputs[0], shape)[mask], *inputs[1:]]
    whole = [x if np.shape(x) in ((), shape) else np.broadcast_to(x, shape) for x in inputs]
    return [x[mask] if np.shape(x) == shape else x for x in whole]


def _scattered(y: Array, mask: np.ndarray[Any, Any], target: Any, casting: str, order: str, name: str) -> Array:
    """``y`` written to ``target``, or into zeros, where ``mask`` is true."""
    if target is None:
        full = np.zeros(mask.shape, y.dtype, "C" if order in "KA" else order)  # type: ignore[call-overload]
        made = apply(OPS["update"], (full, y), {"index": mask})
        return made if isinstance(made, Box) or made.ndim else made[()]
    y = _cast(y, target, casting, name)
    if isinstance(target, Box):
        target[mask] = y  # type: ignore[index]  # boxes of arrays can be indexed
    elif keeps_gradient(y):
        old = np.array(target)  # a copy, as the target is about to be written to
        return deliver(apply(OPS["update"], (old, y), {"index": mask}), target, name)
    else:
        target[mask] = innermost(y)
    return target
