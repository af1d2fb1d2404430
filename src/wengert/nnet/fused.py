"""Functions of several steps that are worth computing in one go.

Such a function is defined by a composition of NumPy functions, from which derivatives of every order and mode follow.
What networks are trained with, reverse mode over plain arrays, is computed by a second form of it that gives the value
and the pullback together: it keeps what both need, and works in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.dispatch import Box, core_of
from wengert.core.op import Op
from wengert.nnet.values import run
from wengert.transforms.reverse import vjp

__all__ = ["fused"]

Pullback = Callable[..., Sequence[Array | None]]
Evaluate = Callable[..., tuple[Array, Pullback]]


def fused(evaluate: Evaluate, *, of_result: bool = False) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Decorates the composition that defines a function of arrays and settings.

    ``evaluate(*arrays, wanted=..., **settings)`` returns the value and its pullback on plain arrays.
    ``pullback(g, *arrays)``, or ``pullback(g, y, *arrays)`` if it is one ``of_result`` too, returns one cotangent an
    array; ``wanted`` says which are asked for, in place of others there may be ``None``. It may be called more than
    once. What it keeps has to be memory of its own: the arrays and the value may be updated in place before it is
    called, so it is given them as they were.
    """

    def decorate(define: Callable[..., Array]) -> Callable[..., Array]:
        name = define.__name__.strip("_")
        alone = Op(name, "structured", _run, ("x",), joint=lambda g, x, call: _pull_back(g, (x,), call))
        together = Op(name, "structured", _run, ("*xs",), joint=_pull_back_of_result if of_result else _pull_back)

        def function(*arrays: Array, **settings: Any) -> Array:
            wanted: list[bool] = []
            for x in arrays:
                core = core_of(x)
                if isinstance(core, Box):
                    if type(core) is not Tensor or isinstance(core._inner, Box):
                        return define(*arrays, **settings)  # a derivative of a derivative, or forward mode
                    wanted.append(not core._inert)
                else:
                    wanted.append(False)
            op = alone if len(arrays) == 1 else together
            return run(op, arrays, {"call": _Call(define, evaluate, wanted, settings)})

        return function

    return decorate


class _Call:
    """One call: the settings, and the pullback once the value has been computed."""

    __slots__ = ("define", "evaluate", "pullback", "settings", "wanted")

    def __init__(
        self, define: Callable[..., Array], evaluate: Evaluate, wanted: Sequence[bool], settings: dict[str, Any]
    ) -> None:
        self.define = define
        self.evaluate = evaluate
        self.wanted = wanted
        self.settings = settings
        self.pullback: Pullback | None = None


def _run(*xs: Array, call: _Call) -> Array:
    y, call.pullback = call.evaluate(*xs, wanted=call.wanted, **call.settings)
    return y


def _pull_back(g: Array, xs: Sequence[Array], call: _Call) -> Sequence[Array | None]:
    return _pulled(g, xs, call, xs)


def _pull_back_of_result(g: Array, xs: Sequence[Array], y: Array, call: _Call) -> Sequence[Array | None]:
    return _pulled(g, xs, call, (y, *xs))


def _pulled(g: Array, xs: Sequence[Array], call: _Call, kept: Sequence[Array]) -> Sequence[Array | None]:
    if call.pullback is None or any([isinstance(x, Box) for x in (g, *kept)]):
        pulled = vjp(partial(call.define, **call.settings), *xs)[1](g)
        return pulled if len(xs) > 1 else (pulled,)
    return call.pullback(np.asarray(g), *kept)
