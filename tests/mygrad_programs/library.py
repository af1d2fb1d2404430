"""What programs are written with: the library they are run with, and the list they are entered into."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["PROGRAMS", "Library", "numbers", "program"]

PROGRAMS: dict[str, Callable[["Library"], dict[str, Any]]] = {}
"""The programs, by name."""


class Library:
    """What ``import mygrad as mg`` and ``from mygrad.path import name`` give, of one package or another."""

    def __init__(self, namespace: str, root: str) -> None:
        self.mg: Any = import_module(namespace)
        self.root = root

    def __call__(self, path: str) -> ModuleType:
        """The module that MyGrad calls ``path``."""
        return import_module(f"{self.root}.{path}")

    @property
    def execute_op(self) -> Any:
        """``from mygrad import execute_op``."""
        return import_module(self.root).execute_op


def program(f: Callable[[Library], dict[str, Any]]) -> Callable[[Library], dict[str, Any]]:
    """Enter a program into the list."""
    PROGRAMS[f.__name__] = f
    return f


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Random numbers to compute with."""
    return np.random.default_rng(seed).normal(size=shape)
