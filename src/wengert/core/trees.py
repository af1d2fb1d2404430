"""Trees: arrays in any nesting of dicts, lists, tuples, named tuples, dataclasses and attrs classes.

optree takes trees apart and puts them together. Dataclasses and attrs classes are entered into a namespace of our own
the first time one is seen, so a person registers nothing. A dataclass field with ``metadata={"static": True}`` is
part of the structure, not a leaf.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert._types import PLAIN, Tree
from wengert.core.dispatch import Box
from wengert.errors import TreeError

__all__ = ["flatten", "is_leaf", "is_like", "parts_of", "paths", "structure_of", "tree_map"]

_NAMESPACE = "wengert"


def is_leaf(x: Any) -> bool:
    """Whether ``x`` is an array or a number, boxed or not: the end of a tree's branch."""
    return type(x) in PLAIN or isinstance(x, Box)


def flatten(tree: Tree) -> tuple[list[Any], Callable[[list[Any]], Tree]]:
    """The leaves of ``tree`` in order, and a function that builds the same tree from a list of new leaves."""
    if is_leaf(tree):
        return [tree], _only
    import optree

    while True:
        leaves, structure = optree.tree_flatten(tree, namespace=_NAMESPACE)
        unknown = {type(x) for x in leaves if not is_leaf(x)}
        if not any([_enter_record(cls) for cls in unknown]):
            return leaves, partial(optree.tree_unflatten, structure)


def structure_of(build: Callable[[list[Any]], Tree]) -> Any:
    """What a tree that ``flatten`` took apart is but for its leaves: to compare, and to look things up by."""
    return build.args[0] if isinstance(build, partial) else None


def is_like(tree: Tree, model: Tree) -> bool:
    """Whether ``tree`` has the structure of ``model``: the same containers with leaves in the same places."""
    if is_leaf(tree) or is_leaf(model):
        return is_leaf(tree) and is_leaf(model)
    import optree

    flatten(tree), flatten(model)  # enters the records
    structures = [optree.tree_structure(each, namespace=_NAMESPACE) for each in (tree, model)]
    return bool(structures[0] == structures[1])


def parts_of(tree: Tree) -> dict[Any, Tree] | None:
    """What a container holds, by key, position or field; ``None`` for what is no container."""
    if isinstance(tree, dict):
        return dict(tree)
    if isinstance(tree, list | tuple):
        return dict(enumerate(tree))
    names = None if isinstance(tree, type) else _fields(type(tree))
    return None if names is None else {name: getattr(tree, name) for name in names[0]}


def paths(tree: Tree) -> list[str]:
    """Where each leaf of ``tree`` stands, as a person would write it: ``['w']``, ``.bias``, ``[0]``."""
    if is_leaf(tree):
        return [""]
    import optree

    flatten(tree)  # enters the records
    accessors = optree.tree_accessors(tree, namespace=_NAMESPACE)
    return [accessor.codify("") for accessor in accessors]


def tree_map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """``f`` applied to the leaves of ``tree`` (and of ``rest``, of the same structure).

    >>> from wengert.core.trees import tree_map
    >>> tree_map(lambda p, g: p - g, {"w": 3.0, "b": [1.0]}, {"w": 1.0, "b": [1.0]})
    {'w': 2.0, 'b': [0.0]}
    """
    leaves, build = flatten(tree)
    for other in rest:
        if not is_like(other, tree):
            raise TreeError(
                f"tree_map: the trees differ in structure. The first has leaves at {paths(tree)}, another at "
                f"{paths(other)}."
            )
    others = [flatten(other)[0] for other in rest]
    return build([f(*xs) for xs in zip(leaves, *others, strict=True)])


def _only(leaves: list[Any]) -> Any:
    return leaves[0]


class _Static:
    """What a record holds besides its leaves, as part of a tree's structure."""

    __slots__ = ("values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and _same(self.values, other.values)

    def __hash__(self) -> int:
        return hash(tuple(self.values))


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all([a[n] is b[n] or np.array_equal(a[n], b[n]) for n in a])


def _fields(cls: type) -> tuple[list[str], list[str]] | None:
    """The names of a record's fields, and of those that are part of the structure; ``None`` for other classes."""
    fields: Any = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else getattr(cls, "__attrs_attrs__", None)
    if fields is None:
        return None
    fixed = [f.name for f in fields if f.metadata.get("static")]
    return [f.name for f in fields if f.name not in fixed], fixed


def _enter_record(cls: type) -> bool:
    """Tell optree how to take a dataclass or attrs class apart; whether there was anything to tell."""
    import optree

    fields = _fields(cls)
    if fields is None:
        return False
    names, fixed = fields

    def take_apart(record: Any) -> Any:
        kept = {n: getattr(record, n) for n in fixed}
        kept.update((n, value) for n, value in getattr(record, "__dict__", {}).items() if n not in names)
        return [getattr(record, n) for n in names], _Static(kept), names

    def put_together(static: Any, children: Any) -> Any:
        made: Any = object.__new__(cls)
        for name, value in (*zip(names, children, strict=True), *static.values.items()):
            object.__setattr__(made, name, value)
        return made

    optree.register_pytree_node(
        cls, take_apart, put_together, path_entry_type=optree.GetAttrEntry, namespace=_NAMESPACE
    )
    return True
