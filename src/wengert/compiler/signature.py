"""Calls taken apart: which parts of the arguments are traced, and what makes two calls the same to the compiler.

Arrays, NumPy's scalars and Python's floats and complex numbers are traced: a call is described by their shapes and
dtypes. All else is *static*: integers, booleans, strings, ``None`` and whatever else can be hashed describe a call by
their values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any

import numpy as np

from wengert._types import PLAIN, Tree
from wengert.core.aliasing import layout_of, model_of
from wengert.core.dispatch import Box
from wengert.core.trees import flatten, paths, structure_of
from wengert.errors import InputError, TraceError

__all__ = ["Call", "Statics"]

NUMBERS: dict[type, Any] = {float: float, complex: complex}


class Statics:
    """Which arguments a person has declared static, by position and by name."""

    def __init__(self, f: Callable[..., Any], numbers: Sequence[int], names: Sequence[str]) -> None:
        self.numbers = frozenset(numbers)
        self.names = frozenset(names)
        if not (self.numbers or self.names):
            return
        try:
            parameters = list(signature(f).parameters.values())
        except (TypeError, ValueError):
            return
        places = [p.name for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
        takes_more = any([p.kind is Parameter.VAR_POSITIONAL for p in parameters])
        for i in numbers:
            if not -len(places) <= i < len(places) and not takes_more:
                raise ValueError(f"wg.jit: static_argnums has {i}, but the function takes {len(places)} arguments.")
        self.numbers = frozenset([i + len(places) if i < 0 else i for i in numbers])
        known = {p.name for p in parameters if p.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)}
        takes_any = any([p.kind is Parameter.VAR_KEYWORD for p in parameters])
        if (unknown := self.names - known) and not takes_any:
            raise ValueError(f"wg.jit: static_argnames has {sorted(unknown)}; the function has no such argument.")
        self.names |= {places[i] for i in self.numbers if i < len(places)} & known
        self.numbers |= {i for i, name in enumerate(places) if name in self.names}


class Call:
    """One call, taken apart. ``arrays`` are the leaves that are traced, ``weak`` the types of those that are numbers.

    ``key`` describes the call; ``numbers`` are the Python integers among the leaves, by position.
    """

    __slots__ = ("arrays", "boxed", "described", "key", "leaves", "numbers", "rebuild", "traced", "tree", "weak")

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], statics: Statics, varying: frozenset[Any]
    ) -> None:
        fixed: tuple[Any, ...] = ()
        if statics.numbers or statics.names:
            args, kwargs, fixed, restore = _without_statics(args, kwargs, statics)
        else:
            restore = None
        structure: Any
        if not kwargs and PLAIN.issuperset(map(type, args)):
            leaves, build, structure = list(args), None, len(args)
        else:
            leaves, build = flatten((args, kwargs))
            structure = structure_of(build)
        described: list[Any] = []
        arrays: list[Any] = []
        weak: list[type | None] = []
        traced: list[bool] = []
        boxed = False
        numbers: list[int] | None = None
        for i, x in enumerate(leaves):
            kind = type(x)
            number: type | None = None
            if kind is np.ndarray:
                if not x.dtype.isnative:
                    x = x.astype(x.dtype.newbyteorder("="))
                c_order = x.flags.c_contiguous
                described.append((x.shape, x.dtype) if c_order else layout_of(x))
                if x.dtype.kind not in "biufc":
                    raise unsuitable(args, kwargs, i, f"an array of dtype {x.dtype}")
            elif kind in NUMBERS:
                number = kind
                described.append(kind)
            elif kind is int:
                numbers = [i] if numbers is None else [*numbers, i]
                if (structure, i) in varying and -_INT <= x < _INT:
                    number = int
                    described.append(int)
                else:
                    described.append((int, x))
                    traced.append(False)
                    continue
            elif isinstance(x, np.generic) and x.dtype.kind in "biufc":
                described.append(x.dtype)
            elif isinstance(x, Box):
                boxed = True
                described.append((x.shape, x.dtype, layout_of(model_of(x))[2], "box"))
            else:
                self._check_static(x, args, kwargs, i)
                described.append((kind, x))
                traced.append(False)
                continue
            arrays.append(x)
            weak.append(number)
            traced.append(True)
        self.tree = args, kwargs
        self.arrays = arrays
        self.weak = weak
        self.traced = traced
        self.boxed = boxed
        self.described = described
        self.key = (structure, *described, *fixed)
        self.numbers = [] if numbers is None else [(structure, i) for i in numbers]
        self.leaves = leaves

        def rebuild(symbols: Sequence[Any]) -> Tree:
            rest = iter(symbols)
            new = [next(rest) if t else x for x, t in zip(leaves, traced, strict=True)]
            new_args, new_kwargs = (tuple(new), {}) if build is None else build(new)
            return (new_args, new_kwargs) if restore is None else restore(new_args, new_kwargs)

        self.rebuild = rebuild

    def place(self, i: int) -> str:
        """What a person calls leaf ``i``."""
        return place_of(*self.tree, i)

    def inputs_of(self, places: Sequence[int]) -> tuple[int, ...]:
        """Which of ``arrays`` are parts of the positional arguments at ``places``."""
        args, _ = self.rebuild([np.int64(i) for i in range(len(self.arrays))])
        found = [leaf for k in places if k < len(args) for leaf in flatten(args[k])[0]]
        chosen = tuple([int(i) for i in found if type(i) is np.int64])
        return tuple([i for i in chosen if type(self.arrays[i]) is np.ndarray])

    @staticmethod
    def _check_static(x: Any, args: Any, kwargs: Any, i: int) -> None:
        if isinstance(x, np.ndarray):
            raise unsuitable(args, kwargs, i, f"a {type(x).__module__}.{type(x).__name__}")
        try:
            hash(x)
        except TypeError:
            raise unsuitable(args, kwargs, i, f"a {type(x).__name__}, which can't be hashed") from None


_INT = 1 << 62


def place_of(args: tuple[Any, ...], kwargs: dict[str, Any], i: int) -> str:
    """What a person calls leaf ``i`` of a call."""
    place = paths((args, kwargs))[i]
    return f"argument {place[3:]}" if place.startswith("[0]") else f"keyword argument {place[3:]}"


def unsuitable(args: Any, kwargs: Any, i: int, what: str) -> InputError:
    """The error for a leaf that can neither be traced nor be static."""
    return InputError(
        f"wg.jit: {place_of(args, kwargs, i)} is {what}. Arguments are arrays of numbers, numbers, other values that "
        "can be hashed, or dicts, lists, tuples and dataclasses of them. Convert it, for example with "
        "np.asarray(x, dtype=float), or let the function find it in its closure."
    )


def _without_statics(args: tuple[Any, ...], kwargs: dict[str, Any], statics: Statics) -> tuple[Any, ...]:
    """The arguments that are not static, what describes those that are, and how to put both together."""
    mine = {i: x for i, x in enumerate(args) if i in statics.numbers}
    named = {name: x for name, x in kwargs.items() if name in statics.names}
    for place, x in (*mine.items(), *named.items()):
        try:
            hash(x)
        except TypeError:
            raise TraceError(
                f"wg.jit: the static argument {place!r} is a {type(x).__name__}, which can't be hashed. Static "
                "arguments are compared with those of earlier calls; pass a tuple in place of a list, or don't declare "
                "it static."
            ) from None
    fixed = (*[(i, type(x), x) for i, x in mine.items()], *[(n, type(x), x) for n, x in sorted(named.items())])

    def restore(rest: tuple[Any, ...], others: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        it = iter(rest)
        return tuple([mine[i] if i in mine else next(it) for i in range(len(args))]), {**others, **named}

    rest = tuple([x for i, x in enumerate(args) if i not in mine])
    return rest, {name: x for name, x in kwargs.items() if name not in named}, fixed, restore
