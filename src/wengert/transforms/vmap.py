"""``vmap``: a function of one example made into one of a batch, computed on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.batched import Batched, batch_first, batched
from wengert.arrays.tensor import wrap
from wengert.core import modes
from wengert.core.dispatch import Box, close_level, core_of, open_level
from wengert.core.guard import freeze, thaw
from wengert.core.trees import flatten, is_leaf, parts_of, paths
from wengert.errors import InputError, OutputError
from wengert.transforms.arguments import check_callable, name_of, own

__all__ = ["examples", "over_batch", "vmap"]

Axes = Any
"""``None``, an integer, or a tree of them."""


def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """A function of batches of arguments that returns a batch of what ``f``, a function of one example, returns.

    ``in_axes`` says along which axis of each argument the examples lie; ``None`` is for what is the same for all. It is
    one axis for all positional arguments, or a tuple or list with an entry for each: an axis, ``None``, or a tree of
    these, which may end before the argument's tree does. Keyword arguments lie along axis 0. ``out_axes`` likewise
    says where the batch axis goes in the results: an axis, or a tree of axes; ``None`` for a result that is the same
    for all examples and is returned once.

    ``f`` is run once, on arrays that have the shape of one example and stand for all: operations are done on whole
    arrays, wherever that is possible, not example by example. Python can't branch on the value of such an array, nor
    can the shape of a result depend on it. Random numbers that ``f`` draws are the same for all examples.
    Transformations nest: ``vmap(grad(f))`` gives a gradient for each example.

    Raises ``InputError`` if ``in_axes`` doesn't fit the arguments, if batch sizes differ, or if nothing is batched;
    ``OutputError`` if ``out_axes`` doesn't fit the results, or a result is no array; ``ConversionError`` where ``f``
    needs the value of one example (``if x > 0``, ``float(x)``, ``np.nonzero(x)``), ``IndexError`` for a mask
    (``x[x > 0]``).

    >>> import numpy as np, wengert as wg
    >>> xs = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> wg.vmap(np.dot, in_axes=(0, None))(xs, np.array([1.0, 10.0]))
    array([21., 43., 65.])
    >>> wg.vmap(wg.grad(lambda x: np.prod(x)))(xs)
    array([[2., 1.],
           [4., 3.],
           [6., 5.]])
    """
    check_callable("vmap", f)
    _check_axes("in_axes", in_axes)
    _check_axes("out_axes", out_axes)

    @wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        given = tuple(in_axes) if type(in_axes) is list else in_axes
        if isinstance(given, tuple) and len(given) != len(args):
            raise InputError(
                f"vmap: in_axes={in_axes!r} has {len(given)} entries, and {name_of(f)} was called with {len(args)} "
                "positional arguments. Give one entry for each argument."
            )
        leaves: Sequence[Any]
        build: Callable[[list[Any]], Any]
        if not kwargs and all(map(is_leaf, args)):
            leaves, build = args, _as_they_are
        else:
            leaves, build = flatten((args, kwargs))
        axes = _per_leaf("in_axes", given, args) + _per_leaf("in_axes", 0, kwargs)
        places, count = _places(f, leaves, axes, args, kwargs)
        with over_batch() as level:
            boxes = [_boxed(x, axis, count, level) for x, axis in zip(leaves, places, strict=True)]
            boxed_args, boxed_kwargs = build(boxes)
            freeze(leaves, level)
            try:
                out = f(*boxed_args, **boxed_kwargs)
                return _gathered(f, out, out_axes, count, level, leaves)
            finally:
                thaw(level)

    return mapped


def _as_they_are(boxes: list[Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments of a call without trees and keywords."""
    return boxes, {}


@contextmanager
def over_batch() -> Iterator[int]:
    """While a function runs on a batch; gives the level of the arrays that stand for examples."""
    level = open_level()
    token = modes.enter_batch()
    try:
        yield level
    finally:
        modes.leave_batch(token)
        close_level(level)


def examples(y: Any, level: int) -> tuple[Array, bool]:
    """What a box of ``level`` holds, and whether that has the batch axis; of anything else, itself."""
    y = core_of(y._current()) if isinstance(y, Box) else y
    if type(y) is Batched and y._level == level:
        return y._inner, y._mapped
    return y, False


def _boxed(x: Any, axis: int | None, count: int, level: int) -> Any:
    """What stands for the examples that lie along ``axis`` of ``x``.

    A plain array that is the same for all is boxed, too, so that it can be indexed by, and updated with, what is not.
    """
    if axis is None:
        is_plain = type(x) is np.ndarray and x.dtype.kind in "biufc"
        return batched(x, count, level, mapped=False) if is_plain else x
    return batched(batch_first(x._frozen() if isinstance(x, Box) else x, axis), count, level)


def _check_axes(name: str, axes: Axes) -> None:
    """An error unless ``axes`` is made of integers and ``None``."""
    if axes is None or isinstance(axes, int | np.integer):
        return
    parts = parts_of(axes)
    if parts is None:
        raise InputError(
            f"vmap: {name} must be an axis (an integer), None, or a tree of these; it holds {axes!r}, a "
            f"{type(axes).__name__}."
        )
    for part in parts.values():
        _check_axes(name, part)


def _per_leaf(name: str, axes: Axes, tree: Tree) -> list[Any]:
    """The axis for each leaf of ``tree``, of which ``axes`` is a prefix."""
    if type(tree) is tuple and type(axes) in (int, tuple) and all(map(is_leaf, tree)):
        each = [axes] * len(tree) if type(axes) is int else list(axes)
        if all([type(axis) is int or axis is None for axis in each]) and len(each) == len(tree):
            return each
    if not tree and isinstance(tree, dict):
        return []
    leaves, build = flatten(tree)
    found: list[Any] = [None] * len(leaves)

    def settle(axes: Axes, numbers: Tree) -> None:
        if axes is None or isinstance(axes, int | np.integer):
            for k in flatten(numbers)[0]:
                found[k] = axes
            return
        wanted, given = parts_of(axes), parts_of(numbers)
        if given is None or wanted is None or wanted.keys() != given.keys() or type(axes) is not type(numbers):
            raise (OutputError if name == "out_axes" else InputError)(
                f"vmap: {name} doesn't fit. It has {_described(axes)} where there is {_described(numbers)} with leaves "
                f"at {', '.join(paths(tree)) or 'none'}. It must have the structure of what it is for, or the "
                "beginning of it."
            )
        for key, part in wanted.items():
            settle(part, given[key])

    settle(axes, build(list(range(len(leaves)))))
    return found


def _described(tree: Tree) -> str:
    parts = parts_of(tree)
    return "an array" if parts is None else f"a {type(tree).__name__} of {len(parts)}"


def _places(
    f: Callable[..., Any], leaves: Sequence[Any], axes: Sequence[Any], args: Tree, kwargs: Tree
) -> tuple[list[Any], int]:
    """The batch axis of each leaf, counted from the front, and the number of examples."""
    places: list[Any] = []
    counts: dict[int, int] = {}
    for k, (x, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is None:
            places.append(None)
            continue
        shape = np.shape(x) if is_leaf(x) else None
        if type(x) is np.ndarray and shape and -len(shape) <= axis < len(shape) and x.dtype.kind in "biufc":
            places.append(int(axis) % len(shape))
            counts.setdefault(shape[axis], k)
            continue
        where = _place_of(args, kwargs, k)
        if shape is not None and np.result_type(x).kind not in "biufc":
            raise InputError(
                f"vmap: {name_of(f)}'s argument at {where} has dtype {np.result_type(x)}; examples are made of "
                "numbers. Convert it, or pass in_axes=None for it if it is the same for all."
            )
        if not shape:
            raise InputError(
                f"vmap: {name_of(f)}'s argument at {where} is "
                + (f"a {type(x).__name__}" if shape is None else "a number without axes")
                + f", which has no axis {axis} for the batch. Pass in_axes=None for it if it is the same for all "
                "examples."
            )
        if not -len(shape) <= axis < len(shape):
            raise InputError(
                f"vmap: in_axes={axis} for {name_of(f)}'s argument at {where}, whose shape is {shape}; it has no such "
                "axis."
            )
        places.append(int(axis) % len(shape))
        counts.setdefault(shape[axis], k)
    if len(counts) != 1:
        found = ", ".join([f"{n} at {_place_of(args, kwargs, k)}" for n, k in counts.items()])
        raise InputError(
            f"vmap: the arguments of {name_of(f)} must have as many examples as one another; there are {found}."
            if counts
            else f"vmap: no argument of {name_of(f)} is batched, so the batch has no size. Give an array an axis in "
            "in_axes."
        )
    return places, next(iter(counts))


def _place_of(args: Tree, kwargs: Tree, k: int) -> str:
    """Where leaf ``k`` of the arguments stands, as a person would write it."""
    return [*paths(args), *paths(kwargs)][k]


def _gathered(f: Callable[..., Any], out: Tree, out_axes: Axes, count: int, level: int, given: Sequence[Any]) -> Tree:
    """The results with the batch axis where ``out_axes`` wants it; boxes all of them, if one was ``given``."""
    if out is None:
        raise OutputError(f"vmap: {name_of(f)} returned None. Did you forget a return statement?")
    leaves, build = flatten(out)
    axes = (
        [out_axes]
        if is_leaf(out) and (type(out_axes) is int or out_axes is None)
        else _per_leaf("out_axes", tuple(out_axes) if type(out_axes) is list and type(out) is tuple else out_axes, out)
    )
    made: list[Any] = []
    for y, axis in zip(leaves, axes, strict=True):
        if not is_leaf(y):
            raise OutputError(
                f"vmap: {name_of(f)} returned a {type(y).__name__}; results are arrays or numbers, in dicts, lists, "
                "tuples or dataclasses."
            )
        inner, mapped = examples(y, level)
        if axis is None:
            if mapped:
                raise OutputError(
                    f"vmap: out_axes=None for a result of {name_of(f)} that differs from example to example. Give it "
                    "an axis, or reduce the batch outside."
                )
            made.append(own(inner))
            continue
        ndim = np.ndim(inner) - mapped
        if not -ndim - 1 <= axis <= ndim:
            raise OutputError(
                f"vmap: out_axes={axis} for a result of {name_of(f)} with {ndim} axes; the batch axis can be put at "
                f"{-ndim - 1} to {ndim}."
            )
        if mapped:
            made.append(_callers_own(np.moveaxis(inner, 0, axis) if ndim and axis else inner, given))
        else:
            full = np.broadcast_to(inner, (count, *np.shape(inner)))
            made.append(own(np.moveaxis(full, 0, axis) if ndim else full))
    watched = any([isinstance(x, Box) for x in given])
    return build([wrap(y, 0, None) if watched and not isinstance(y, Box) else y for y in made])


def _callers_own(y: Array, given: Sequence[Any]) -> Array:
    """``y``, a result, copied if it shows the memory of what was ``given``."""
    if type(y) is not np.ndarray or not y.flags.writeable:
        return own(y)
    memory = _memory_of(y)
    return own(y) if any([type(x) is np.ndarray and _memory_of(x) is memory for x in given]) else y


def _memory_of(x: np.ndarray[Any, Any]) -> Any:
    """The object that the memory of ``x`` belongs to."""
    held: Any = x
    while isinstance(held, np.ndarray) and held.base is not None:
        held = held.base
    return held
