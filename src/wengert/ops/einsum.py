"""Einstein sums."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.core.aliasing import deliver
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call
from wengert.ops.contract import conjugate
from wengert.ops.entries import composite


@lru_cache(maxsize=256)
def _explicit(subscripts: str, ndims: tuple[int, ...]) -> str:
    """``subscripts`` with the output spelt out and letters in place of each ellipsis."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"np.einsum: {subscripts!r} is for {len(terms)} arrays; got {len(ndims)}.")
    unused = [c for c in ascii_letters if c not in subscripts]
    hidden = [n - len(term) + 3 if "..." in term else 0 for term, n in zip(terms, ndims, strict=True)]
    if min(hidden) < 0:
        raise ValueError(f"np.einsum: {subscripts!r} names more axes than the arrays have, which have {ndims}.")
    ellipsis = "".join(unused[: max(hidden)])
    if arrow and ellipsis and "..." not in output:
        raise ValueError(f"np.einsum: the output of {subscripts!r} must have an ellipsis, as an input stands for more.")
    terms = [term.replace("...", ellipsis[len(ellipsis) - n :]) for term, n in zip(terms, hidden, strict=True)]
    if arrow:
        output = output.replace("...", ellipsis)
    else:
        letters = inputs.replace(",", "").replace(".", "")
        output = ellipsis + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return ",".join(terms) + "->" + output


def _from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The subscripts and arrays of the form ``einsum(a, [0, 1], b, [1, 2], [0, 2])``."""
    letters = ascii_uppercase + ascii_lowercase  # NumPy's order, which decides that of the output's axes

    def spelt(labels: Sequence[Any]) -> str:
        return "".join(["..." if label is Ellipsis else letters[label] for label in labels])

    pairs = len(operands) // 2
    subscripts = ",".join([spelt(operands[2 * k + 1]) for k in range(pairs)])
    if len(operands) % 2:
        subscripts += "->" + spelt(operands[-1])
    return subscripts, [operands[2 * k] for k in range(pairs)]


def _pull(g: Array, i: int, xs: Sequence[Array], subscripts: str, optimize: Any = False) -> Array:
    """The cotangent of operand ``i``: the sum in which the result's cotangent takes that operand's place."""
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    others = [conjugate(x) for k, x in enumerate(xs) if k != i]
    return _in_place(g, terms.pop(i), np.shape(xs[i]), others, terms, output, optimize)


def _pull_alone(g: Array, x_like: Any, subscripts: str) -> Array:
    """The same for a sum of one operand, of which nothing but the shape is needed."""
    term, _, output = subscripts.partition("->")
    return _in_place(g, term, x_like.shape, [], [], output)


def _in_place(
    g: Array, term: str, shape: Shape, others: list[Array], terms: list[str], output: str, optimize: Any = False
) -> Array:
    """The sum of ``g`` and the other operands in the place of the operand ``term`` of ``shape``."""
    known = set(output).union(*terms)
    kept = "".join([c for c in dict.fromkeys(term) if c in known])
    if isinstance(optimize, list | tuple):  # a path for the forward sum
        optimize = True
    r = np.einsum(f"{','.join([output, *terms])}->{kept}", g, *others, optimize=optimize)
    sizes = dict(zip(kept, r.shape, strict=True))
    r = np.reshape(r, [sizes.pop(c, 1) for c in term])
    diagonal = _diagonal(term, shape)
    if diagonal is not None:
        r = np.where(diagonal, r, np.zeros((), r.dtype))
    full = tuple([max(n, m) if n and m else 0 for n, m in zip(r.shape, shape, strict=True)])
    return r if r.shape == full else np.broadcast_to(r, full)


def _diagonal(term: str, shape: Sequence[int]) -> Any:
    """Where axes of the same name have the same index; ``None`` if no two have the same name."""
    diagonal = None
    for k, c in enumerate(term):
        first = term.index(c)
        if first != k:
            here, there = [[-1 if i == axis else 1 for i in range(len(term))] for axis in (first, k)]
            numbers = np.arange(shape[k])
            same = numbers.reshape(here) == numbers.reshape(there)
            diagonal = same if diagonal is None else diagonal & same
    return diagonal


def _evaluate(*xs: Array, subscripts: str, **options: Any) -> Array:
    return np.einsum(subscripts, *xs, **options)


_EINSUM = register(Op("einsum", "multilinear", _evaluate, ("*xs",), (_pull,)))
_EINSUM_OF_DIAGONALS = register(Op("einsum_of_diagonals", "multilinear", _evaluate, ("*xs",), (_pull,), selects=True))


def _alone(name: str, **facts: Any) -> Op:
    """A sum of one operand: a view, if its axes are but put in another order or taken along a diagonal."""
    return register(
        Op(
            name,
            "linear",
            lambda x, subscripts, **options: np.einsum(subscripts, x, **options),
            ("x",),
            (_pull_alone,),
            view="writeable",
            **facts,
        )
    )


_EINSUM_ALONE = _alone("einsum_alone")
_EINSUM_OF_DIAGONAL = _alone("einsum_of_diagonal", selects=True)


def _samples(rng: np.random.Generator) -> list[Call]:
    def arrays(*shapes: tuple[int, ...]) -> list[Array]:
        return [rng.normal(size=shape) for shape in shapes]

    return [
        call("ij,jk->ik", *arrays((2, 3), (3, 4))),
        call("ij,jk", *arrays((2, 3), (3, 2))),
        call("ba", *arrays((2, 3))),
        call("ij->", *arrays((2, 3))),
        call("ij->j", *arrays((2, 3))),
        call("ii->i", *arrays((3, 3))),
        call("ii", *arrays((3, 3))),
        call("iji,j->i", *arrays((2, 3, 2), (3,))),
        call("iii->i", *arrays((2, 2, 2))),
        call("i,j,k->kij", *arrays((2,), (3,), (2,))),
        call("i,i,i->", *arrays((3,), (3,), (3,))),
        call("ij,kl->il", *arrays((2, 3), (2, 3))),
        call("...ij,...jk->...ik", *arrays((2, 2, 3), (1, 3, 2))),
        call("...i,i...", *arrays((2, 3), (3, 2))),
        call("i...->...", *arrays((2, 3))),
        call("ij,jk,kl->il", *arrays((2, 3), (3, 2), (2, 2)), optimize=True),
        call("ij,ij->i", *arrays((1, 3), (2, 3))),
        call("i,i->", *arrays((1,), (3,))),
        call(" i , ->i", *arrays((3,), ())),
        call("ij->ij", *arrays((0, 3))),
        call(*arrays((2, 3)), [0, 1], *arrays((3, 2)), [1, 2], [2, 0]),
        call(*arrays((2, 3)), [Ellipsis, 1], *arrays((3,)), [1]),
    ]


@composite(np.einsum, samples=_samples, analytic=True)
def _einsum(*operands: Any, out: Any = None, optimize: Any = False, **options: Any) -> Array:
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], list(operands[1:])
    else:
        subscripts, arrays = _from_lists(operands)
    xs = [operand(x) for x in arrays]
    subscripts = _explicit(subscripts, tuple([np.ndim(x) for x in xs]))
    if optimize is not False:
        options["optimize"] = optimize
    terms = subscripts.partition("->")[0].split(",")
    plain = all([len(set(term)) == len(term) for term in terms])
    if len(xs) == 1:
        op = _EINSUM_ALONE if plain else _EINSUM_OF_DIAGONAL
    else:
        op = _EINSUM if plain else _EINSUM_OF_DIAGONALS
    y = apply(op, xs, {"subscripts": subscripts, **options})
    return y if out is None else deliver(y, out, "np.einsum")
