"""Einstein sums: diagonals, sums, and products of matrices, two operands at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.compiler.build import Builder
from wengert.compiler.graph import Value
from wengert.compiler.lower.products import of_dtype
from wengert.compiler.lower.rules import rule

__all__: list[str] = []

Operand = tuple[Value, str]
"""An array, and a letter for each of its axes."""


@rule("einsum", "einsum_of_diagonals", "einsum_alone", "einsum_of_diagonal")
def _einsum(b: Builder, *xs: Any, value: Value, subscripts: Any = None, **params: Any) -> Value | None:
    arrays = of_dtype(b, value, *xs)
    if arrays is None or not isinstance(subscripts, str) or "." in subscripts or "->" not in subscripts:
        return None
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    operands = [_without_repeats(b, x, word) for x, word in zip(arrays, inputs.split(","), strict=True)]
    size: dict[str, int] = {}
    for x, word in operands:
        for c, n in zip(word, x.shape, strict=True):
            size[c] = n if size.get(c, 1) == 1 else size[c]
    operands = [_without_ones(b, x, word, size) for x, word in operands]
    for i, j in _pairs(operands, output, params.get("optimize", False)):
        second, first = operands.pop(max(i, j)), operands.pop(min(i, j))
        kept = set(output).union(*[word for _, word in operands])
        operands.append(_product(b, first, second, kept, size))
    ((x, word),) = operands
    x = b.reduce("sum", x, [i for i, c in enumerate(word) if c not in output])
    word = "".join([c for c in word if c in output])
    if len(word) < len(output):
        return None
    return b.broadcast(b.transpose(x, [word.index(c) for c in output]), value.shape)


def _without_repeats(b: Builder, x: Value, word: str) -> Operand:
    """The diagonal along axes of one letter."""
    unique = "".join(dict.fromkeys(word))
    return (x if unique == word else b.through(x, lambda m: np.einsum(f"{word}->{unique}", m))), unique


def _without_ones(b: Builder, x: Value, word: str, size: dict[str, int]) -> Operand:
    """The same without axes of length 1 that are longer elsewhere."""
    kept = [i for i, c in enumerate(word) if x.shape[i] == size[c]]
    return b.reshape(x, tuple([x.shape[i] for i in kept])), "".join([word[i] for i in kept])


def _pairs(operands: Sequence[Operand], output: str, optimize: Any) -> list[tuple[int, int]]:
    """Which two operands to multiply, again and again; the product goes to the end."""
    if len(operands) < 3:
        return [(0, 1)] * (len(operands) - 1)
    models = [np.broadcast_to(np.zeros((), bool), x.shape) for x, _ in operands]
    subscripts = f"{','.join([word for _, word in operands])}->{output}"
    path = np.einsum_path(subscripts, *models, optimize=optimize or "greedy")[0][1:]
    if any([len(step) != 2 for step in path]):
        return [(0, 1)] * (len(operands) - 1)
    return path


def _product(b: Builder, first: Operand, second: Operand, kept: set[str], size: dict[str, int]) -> Operand:
    """The product of two operands, summed over the letters that nobody else has."""
    (x, v), (y, w) = [_summed(b, x, word, kept | set(other)) for (x, word), (_, other)
                      in ((first, second), (second, first))]  # fmt: skip
    shared = [c for c in v if c in w]
    batch, summed = [c for c in shared if c in kept], [c for c in shared if c not in kept]
    rows, columns = [c for c in v if c not in shared], [c for c in w if c not in shared]

    def arranged(x: Value, word: str, groups: Sequence[Sequence[str]]) -> Value:
        order = [word.index(c) for group in groups for c in group]
        merged = [math.prod([size[c] for c in group]) for group in groups[1:]]
        return b.reshape(b.transpose(x, order), (*[size[c] for c in groups[0]], *merged))

    product = b.matmul(arranged(x, v, (batch, rows, summed)), arranged(y, w, (batch, summed, columns)))
    names = [*batch, *rows, *columns]
    return b.reshape(product, tuple([size[c] for c in names])), "".join(names)


def _summed(b: Builder, x: Value, word: str, kept: set[str]) -> Operand:
    """The sum along the axes whose letters are not kept."""
    alone = [i for i, c in enumerate(word) if c not in kept]
    return b.reduce("sum", x, alone), "".join([c for c in word if c in kept])
