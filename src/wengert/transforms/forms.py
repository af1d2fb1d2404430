"""The form of a loop's values: structure, shapes and dtypes, which have to stay what they are from round to round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._types import Array, Shape, Tree
from wengert.core.dispatch import Box, operand
from wengert.core.trees import flatten, is_leaf, paths, structure_of
from wengert.errors import InputError, OutputError

__all__ = ["Form", "Kind", "kind_of", "leaves_of", "private", "settled"]

_NUMBERS = frozenset({int, float, complex})


class Kind(NamedTuple):
    """Shape and dtype of a leaf. ``weak``: it is one of Python's numbers, whose dtype is that of what it meets."""

    shape: Shape
    dtype: np.dtype[Any]
    weak: bool = False

    def __str__(self) -> str:
        return f"{self.dtype} of shape {self.shape}"


def kind_of(x: Array) -> Kind:
    """The kind of a leaf."""
    if isinstance(x, Box):
        return Kind(x.shape, x.dtype, getattr(x, "_weak", None) is not None)
    if type(x) in _NUMBERS:
        return Kind((), np.asarray(x).dtype, True)
    return Kind(np.shape(x), np.asarray(x).dtype)


class Form:
    """The form of a tree. ``what`` and ``name`` are how messages call the loop and the tree.

    ``kinds`` has an entry for each leaf. That of a Python number is settled by what stands in its place after a round.
    """

    def __init__(self, what: str, name: str, tree: Tree) -> None:
        self.what = what
        self.name = name
        self.leaves, self.build = flatten(tree)
        self.structure = structure_of(self.build)
        self._model = tree
        self.kinds = [kind_of(x) for x in self.leaves]

    def place(self, i: int) -> str:
        """How messages call leaf ``i``."""
        where = paths(self._model)[i]
        return f"the {self.name}'s leaf {where}" if where else f"the {self.name}"

    def taken(self, tree: Tree, when: str) -> list[Array]:
        """The leaves of ``tree``, of the kinds that they must have; raises ``OutputError`` if it has another form."""
        leaves, build = flatten(tree)
        for i, x in enumerate(leaves):
            if not is_leaf(x):
                raise OutputError(
                    f"{self.what}: the {self.name}{paths(tree)[i]} is a {type(x).__name__} {when}; it must be an array "
                    "or a number."
                )
        if structure_of(build) != self.structure:
            raise OutputError(
                f"{self.what}: the {self.name} changed its structure {when}: it had leaves at "
                f"{paths(self._model)}, and now has {_described(tree)}. Return the same containers every time."
            )
        return [self._fitted(i, x, when) for i, x in enumerate(leaves)]

    def _fitted(self, i: int, x: Any, when: str) -> Array:
        """Leaf ``i`` as its kind asks for it."""
        kind = self.kinds[i]
        if type(x) is np.ndarray and x.dtype is kind.dtype and x.shape == kind.shape:
            return x
        found = kind_of(x)
        if kind.weak and found.shape == ():
            dtype = np.result_type(kind.dtype, found.dtype) if found.weak else found.dtype
            self.kinds[i] = Kind((), dtype)
            return _as(x, dtype) if found.weak else x
        if found.weak and kind.shape == () and np.result_type(kind.dtype, _zero(found)) == kind.dtype:
            return _as(x, kind.dtype)
        if found.shape != kind.shape or found.dtype != kind.dtype:
            raise OutputError(
                f"{self.what}: {self.place(i)} changed {when} from {kind} to {found}. It must keep shape and dtype; "
                f"{_remedy(kind, found)}."
            )
        return operand(x) if type(x) is bool else x


def settled(x: Array, kind: Kind) -> Array:
    """``x``, of the dtype that has been found for it if it was one of Python's numbers."""
    return _as(x, kind.dtype) if type(x) is bool or kind_of(x).weak else x


def _as(x: Any, dtype: np.dtype[Any]) -> Array:
    if not isinstance(x, Box):
        return dtype.type(x)
    traced: Any = x  # a Python number, so it has no methods when the function runs
    return np.multiply(traced, dtype.type(1)).astype(dtype)


def _zero(kind: Kind) -> Any:
    return {"c": 0j, "f": 0.0}.get(kind.dtype.kind, 0)


def _remedy(kind: Kind, found: Kind) -> str:
    if found.shape != kind.shape:
        return f"start with an array of shape {found.shape}, or return one of shape {kind.shape}"
    return f"start with {found.dtype}, or return x.astype(np.{kind.dtype})"


def _described(tree: Tree) -> str:
    return f"a {type(tree).__name__} with leaves at {paths(tree)}" if tree is not None else "None"


def leaves_of(what: str, name: str, tree: Tree) -> tuple[list[Any], Callable[[list[Any]], Tree]]:
    """The leaves of a tree that was passed, checked to be arrays or numbers."""
    leaves, build = flatten(tree)
    for i, x in enumerate(leaves):
        if not is_leaf(x):
            raise InputError(
                f"{what}: {name}{paths(tree)[i]} is a {type(x).__name__}; leaves must be arrays or numbers, in dicts, "
                "lists, tuples or dataclasses. Let the function find other values by itself."
            )
        operand(x)
    return leaves, build


def private(leaves: Sequence[Array]) -> list[Array]:
    """``leaves`` as arrays that can be written to without the caller's seeing it."""
    return [x._frozen() if isinstance(x, Box) else x.copy() if isinstance(x, np.ndarray) else x for x in leaves]
