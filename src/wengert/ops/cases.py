"""What the tests and the documentation know about each function: where to try it, and its kinks.

Facts stand beside the rules in the table (``domain=``, ``samples=``, ``kinks=``) and are gathered here by function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "DOMAINS", "Call", "Case", "Kink", "call", "drawn", "enter"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call to try. Floating-point and complex arrays among ``args`` (also inside sequences) are what is varied."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def call(*args: Any, **kwargs: Any) -> Call:
    """How a table entry writes a :class:`Call`."""
    return Call(args, kwargs)


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where the derivative is a matter of convention: the call, and the gradient of the sum of its result.

    ``gradients`` has one entry for each varied array of the call, and holds exactly. ``"nan"`` entries mean NaN.
    """

    call: Call
    gradients: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Where to try a function.

    ``samples(rng)`` lists calls at smooth points (empty for constants). ``analytic`` says that complex arguments are
    meaningful and the function holomorphic there, so that the complex step is an oracle.
    """

    function: Callable[..., Any]
    samples: Callable[[np.random.Generator], Sequence[Call]]
    kinks: tuple[Kink, ...] = ()
    analytic: bool = False


CASES: dict[Callable[..., Any], Case] = {}

DOMAINS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray[Any, Any]]] = {
    "real": lambda rng, shape: rng.normal(size=shape),
    "nonzero": lambda rng, shape: rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 2.0, shape),
    "positive": lambda rng, shape: rng.uniform(0.3, 3.0, shape),
    "unit": lambda rng, shape: rng.uniform(-0.9, 0.9, shape),
    "above_one": lambda rng, shape: rng.uniform(1.2, 3.0, shape),
    "above_minus_one": lambda rng, shape: rng.uniform(-0.7, 2.0, shape),
    "integer": lambda rng, shape: rng.integers(-3, 4, shape),
}
"""Where sample points of an elementwise function are drawn from, well inside the domain of its derivatives."""


def enter(
    function: Callable[..., Any],
    samples: Callable[[np.random.Generator], Sequence[Call]] | None,
    kinks: Sequence[tuple[Call, tuple[Any, ...]]] = (),
    analytic: bool = False,
) -> None:
    """Gather the facts of an entry."""
    CASES[function] = Case(function, samples or (lambda rng: ()), tuple(Kink(*k) for k in kinks), analytic)


def elementwise_samples(domains: Sequence[str]) -> Callable[[np.random.Generator], list[Call]]:
    """Calls of an elementwise function: equal shapes, 0-d, empty, and for two arguments every way to broadcast."""

    def samples(rng: np.random.Generator) -> list[Call]:
        draw = [DOMAINS[d] for d in domains]
        one = [((2, 3),), ((),), ((0, 3),), ((5,),)]
        two = [((2, 3), (2, 3)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (3,)), ((2, 3), ()), ((), ()), ((0, 3), (3,))]
        shapes = one if len(draw) == 1 else two
        return [Call(tuple([d(rng, s) for d, s in zip(draw, row, strict=True)]), {}) for row in shapes]

    return samples


def drawn(*rows: tuple[Any, ...]) -> Callable[[np.random.Generator], list[Call]]:
    """Samples whose first argument is drawn at random. A row is its shape, then other arguments, then keywords."""

    def samples(rng: np.random.Generator) -> list[Call]:
        calls = []
        for shape, *rest in rows:
            kwargs = rest.pop() if rest and isinstance(rest[-1], dict) else {}
            calls.append(Call((rng.normal(size=shape), *rest), kwargs))
        return calls

    return samples
