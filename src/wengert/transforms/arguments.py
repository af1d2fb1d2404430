"""What transformations share: taking arguments apart into variables, and results apart into roots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.tensor import wrap
from wengert.core.dispatch import Box, core_of
from wengert.core.trees import flatten, is_leaf, paths, tree_map
from wengert.errors import InputError, OutputError

__all__ = [
    "Variables",
    "as_array",
    "check_argnums",
    "check_callable",
    "name_of",
    "output",
    "outputs",
    "own",
    "positions",
    "split_aux",
    "without",
]


def name_of(f: Callable[..., Any]) -> str:
    """How messages call the function."""
    return getattr(f, "__name__", None) or type(f).__name__


def check_callable(what: str, f: Any) -> None:
    """An error unless ``f`` can be called."""
    if not callable(f):
        raise TypeError(f"{what} takes a function; got {type(f).__name__}. Write wg.{what}(f)(x), not wg.{what}(f(x)).")


def check_argnums(what: str, argnums: Any) -> None:
    """An error unless ``argnums`` is an integer or a sequence of different ones."""
    wanted = argnums if isinstance(argnums, tuple | list) else (argnums,)
    if not wanted or not all([isinstance(i, int | np.integer) for i in wanted]):
        raise InputError(
            f"{what}: argnums={argnums!r} must be the position of an argument, such as 0, or a tuple of positions, "
            "such as (0, 1)."
        )


def positions(f: Callable[..., Any], argnums: int | Sequence[int], count: int) -> tuple[int, ...]:
    """``argnums`` as non-negative positions among ``count`` arguments."""
    wanted = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)
    for i in wanted:
        if not -count <= i < count:
            raise InputError(
                f"argnums={argnums!r}, but {name_of(f)} was called with {count} positional argument(s). Arguments to "
                "differentiate with respect to are given by position, not by keyword."
            )
    where = tuple([i % count for i in wanted])
    if len(set(where)) < len(where):
        raise InputError(f"argnums={argnums!r} names an argument of {name_of(f)} twice. Name each once.")
    return where


class Variables:
    """The leaves of the arguments at ``where``, checked to be differentiable, and how to put like arguments together.

    ``leaves`` are arrays: Python numbers become NumPy scalars, and results are turned back into what was given.
    """

    __slots__ = ("_builds", "_originals", "_where", "leaves")

    def __init__(self, what: str, args: Sequence[Tree], where: Sequence[int]) -> None:
        self._where = where
        self._builds: list[tuple[int, Callable[[list[Any]], Tree]]] | None = None
        self._originals = self.leaves = [args[i] for i in where]
        for x in self.leaves:
            if type(x) is not np.ndarray or x.dtype.kind != "f":
                self._take_apart(what, args)
                break

    def _take_apart(self, what: str, args: Sequence[Tree]) -> None:
        """The general case: trees, and leaves that aren't plain arrays of floating-point numbers."""
        self._builds = []
        self._originals = []
        for i in self._where:
            leaves, build = flatten(args[i])
            for k, leaf in enumerate(leaves):
                if not _is_differentiable(leaf):
                    raise InputError(_not_differentiable(what, i, args[i], k, leaf))
            self._originals += leaves
            self._builds.append((len(leaves), build))
        self.leaves = [as_array(x) for x in self._originals]

    def call(self, args: Sequence[Tree], boxes: Sequence[Any]) -> list[Tree]:
        """``args`` with the variables' leaves replaced by ``boxes``."""
        call = list(args)
        trees = boxes if self._builds is None else self._trees(boxes)
        for k, i in enumerate(self._where):
            call[i] = trees[k]
        return call

    def result(self, leaves: list[Any], bare: bool) -> Tree:
        """What a transformation returns: one tree for ``argnums=0``, a tuple of trees for ``argnums=(0, 1)``."""
        for k, new in enumerate(leaves):
            if type(new) is not np.ndarray or self._builds is not None:
                leaves[k] = _as(new, self._originals[k])
        trees = leaves if self._builds is None else self._trees(leaves)
        return trees[0] if bare else tuple(trees)

    def _trees(self, leaves: Sequence[Any]) -> Sequence[Tree]:
        assert self._builds is not None
        trees = []
        start = 0
        for count, build in self._builds:
            trees.append(build(list(leaves[start : start + count])))
            start += count
        return trees


def _is_differentiable(leaf: Any) -> bool:
    if type(leaf) is float or type(leaf) is complex:
        return True
    return is_leaf(leaf) and not isinstance(leaf, int) and leaf.dtype.kind in "fc"


def _not_differentiable(what: str, i: int, arg: Tree, k: int, leaf: Any) -> str:
    place = f"argument {i}{paths(arg)[k]}"
    if is_leaf(leaf):
        dtype = leaf.dtype if hasattr(leaf, "dtype") else np.result_type(leaf)
        return (
            f"{what}: {place} has dtype {dtype}, and a derivative is taken with respect to floating-point or complex "
            "numbers. Convert it (x.astype(float), float(x)), leave it out of argnums, or, if it is a setting in a "
            'dataclass, declare the field with field(metadata={"static": True}).'
        )
    return (
        f"{what}: {place} is a {type(leaf).__name__}, which is neither an array nor a container that wengert takes "
        "apart (dict, list, tuple, named tuple, dataclass, attrs class). Pass it as an argument outside argnums, or, "
        'in a dataclass, declare the field with field(metadata={"static": True}).'
    )


def _as(new: Array, old: Array) -> Array:
    """``new`` in the guise of ``old``: a Python number for a Python number, an array for an array, a box for a box."""
    if isinstance(old, Box):
        return new if isinstance(new, Box) else wrap(new, 0, None)
    while isinstance(new, Box) and new._inert:
        new = new._inner
    if isinstance(new, Box):
        return new
    if type(old) is float or type(old) is complex:
        return type(old)(new)
    return np.asarray(new) if isinstance(old, np.ndarray) else new


def as_array(leaf: Any) -> Array:
    """A leaf as an array with a shape and a dtype, which no update of the caller's reaches."""
    if isinstance(leaf, Box):
        return leaf._frozen()
    return np.asarray(leaf)[()] if type(leaf) is float or type(leaf) is complex else leaf


def outputs(what: str, f: Callable[..., Any], out: Tree) -> tuple[list[Array], Callable[[list[Any]], Tree]]:
    """The leaves of what ``f`` returned, as boxes, and how to put a like tree together; an error if there are none."""
    leaves, build = ([None], None) if out is None else flatten(out)
    if not leaves:
        raise OutputError(f"{what}: {name_of(f)} returned {out!r}, which has no array in it.")
    return [output(what, f, y) for y in leaves], build  # type: ignore[return-value]  # None raises


def own(x: Array) -> Array:
    """``x`` as the caller's own: memory that it may share with an argument is copied, and inert boxes are taken off."""
    if isinstance(x, Box):
        return own(x._inner) if x._inert else x._frozen()
    return x.copy() if isinstance(x, np.ndarray) else x


def output(what: str, f: Callable[..., Any], y: Any) -> Array:
    """A leaf of what ``f`` returned, as a box; an error if it is no box at all."""
    if isinstance(y, Box):
        y = core_of(y._current())
        return y if isinstance(y, Box) else wrap(y, 0, None)  # a box of a transformation that is over
    if y is None:
        remedy = "Did you forget a return statement?"
    elif is_leaf(y):
        remedy = (
            "It was not computed from the arguments, or its link to them was cut on the way. If a constant is "
            "meant, return wg.tensor(value)."
        )
    else:
        remedy = "Return an array, or arrays in dicts, lists, tuples or dataclasses; other values go through has_aux."
    raise OutputError(f"{what}: {name_of(f)} returned {_describe(y)}, not a tensor. {remedy}")


def split_aux(f: Callable[..., Any], y: Any) -> tuple[Any, Any]:
    """The value and the rest of what ``f`` returned under ``has_aux=True``."""
    if not isinstance(y, tuple) or len(y) != 2:
        raise OutputError(f"has_aux=True: {name_of(f)} must return a pair (value, aux), not a {type(y).__name__}.")
    return y


def without(tree: Tree, level: int) -> Tree:
    """``tree`` with the tensors of ``level`` replaced by what they hold."""

    def plain(x: Any) -> Any:
        return x._current()._inner if isinstance(x, Box) and x._level == level else x

    return tree_map(plain, tree)


def _describe(y: Any) -> str:
    if y is None:
        return "None"
    return f"the plain {type(y).__name__} {y!r:.60}"
