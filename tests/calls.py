"""The table's sample calls, as functions of the arrays that are varied in them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import wengert  # noqa: F401 - fills the table
from wengert.core.registry import FUNCTIONS, UFUNCS
from wengert.core.trees import flatten
from wengert.ops.cases import CASES, Call


def name_of(function: Callable[..., Any]) -> str:
    """The function's name as a person writes it: ``matmul``, ``linalg.norm``, ``add.reduce``."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{owner.__name__}.{function.__name__}"
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").lstrip("._")
    return f"{module}.{function.__name__}" if module else function.__name__


def bind(function: Callable[..., Any], call: Call) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The call as a function of its inexact arrays alone, and those arrays."""
    leaves, build = flatten(tuple(call.args))
    places = [i for i, x in enumerate(leaves) if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"]

    def bound(*arrays: Any) -> Any:
        new = list(leaves)
        for i, x in zip(places, arrays, strict=True):
            new[i] = x
        return function(*build(new), **call.kwargs)

    bound.__name__ = name_of(function)
    return bound, tuple([leaves[i] for i in places])


def samples(function: Callable[..., Any]) -> Sequence[Call]:
    """The sample calls of an entry, the same in every run and whichever other tests run."""
    return CASES[function].samples(np.random.default_rng(1964))


def complex_like(arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The arrays with imaginary parts: a point in the complex plane beside them."""
    rng = np.random.default_rng(1964)
    return tuple([x + 0.3j * rng.uniform(-1.0, 1.0, np.shape(x)) for x in arrays])


def kind_of(function: Callable[..., Any]) -> str:
    """The kind of the operation behind a function; ``"composite"`` if it is computed from others."""
    if function in UFUNCS:
        return UFUNCS[function].kind
    implementation = FUNCTIONS[function]
    for name, cell in zip(implementation.__code__.co_freevars, implementation.__closure__ or (), strict=True):
        if name == "op":
            return cell.cell_contents.kind
    return "composite"


FUNCTIONS_WITH_CASES = sorted(CASES, key=name_of)
"""Every function of the table, in the order of names."""
