"""Are two answers the same? Answers are trees of arrays; every library has its own kind of both."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

RTOL, SINGLE_RTOL = 1e-9, 1e-4
"""Largest difference from hand's answer, relative to the largest magnitude in the same array; in single precision."""


class MismatchError(Exception):
    """A contender's answer is not hand's."""


def check(answer: object, expected: object) -> None:
    """Raise :class:`MismatchError` unless structure, shapes and dtypes are those expected, and values to ``RTOL``.

    ``None`` stands for an array of zeros: it is what some libraries give as the gradient of what was not used.
    """
    actual, wanted = dict(_leaves(answer)), dict(_leaves(expected))
    if actual.keys() != wanted.keys():
        raise MismatchError(f"the answer consists of {', '.join(actual)}; hand's of {', '.join(wanted)}")
    for path, leaf in wanted.items():
        _check_leaf(path, actual[path], np.asarray(leaf))


def _check_leaf(path: str, leaf: Any, expected: np.ndarray) -> None:
    actual = np.zeros_like(expected) if leaf is None else np.asarray(leaf)
    if (actual.shape, actual.dtype) != (expected.shape, expected.dtype):
        raise MismatchError(f"{path} is {actual.dtype}{actual.shape}; hand's is {expected.dtype}{expected.shape}")
    scale = np.max(np.abs(expected), initial=0.0) or 1.0
    error = np.max(np.abs(actual - expected), initial=0.0) / scale
    allowed = SINGLE_RTOL if expected.dtype == np.float32 else RTOL
    if not error <= allowed:  # so that nan is a mismatch
        raise MismatchError(f"{path} is off hand's by {error:.1e} of its largest magnitude; allowed is {allowed:.0e}")


def _leaves(tree: object, path: str = "answer") -> Iterator[tuple[str, Any]]:
    children: Mapping[Any, object]
    if dataclasses.is_dataclass(tree):
        children = {field.name: getattr(tree, field.name) for field in dataclasses.fields(tree)}
    elif isinstance(tree, Mapping):
        children = tree
    elif isinstance(tree, tuple | list):
        children = dict(enumerate(tree))
    else:
        yield path, tree
        return
    for key, child in children.items():
        yield from _leaves(child, f"{path}[{key}]")
