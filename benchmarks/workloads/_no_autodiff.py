"""The forward pass of the network of ``rnn`` on tensors, within ``no_autodiff``; and the same recorded."""

from collections.abc import Callable, Mapping
from dataclasses import astuple
from types import ModuleType

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workloads.rnn import STEPS, Inputs, Parameters

BASE = "wengert_recorded"
BASES = {"mygrad": "mygrad_recorded"}


def program(mg: ModuleType, inputs: Inputs) -> Callable[[], object]:
    """The loss, a tensor, of parameters that are tensors; wengert and MyGrad differ in the import."""
    X, Y, h0 = inputs.X, inputs.Y, inputs.h0
    p = Parameters(*(mg.tensor(each) for each in astuple(inputs.parameters)))

    def loss() -> object:
        h = h0
        for t in range(STEPS):
            h = mg.tanh(X[t] @ p.Wx + h @ p.Wh + p.b)
        return 0.5 * mg.sum((h @ p.Wo - Y) ** 2)

    return loss


def suspended(mg: ModuleType, inputs: Inputs) -> Step:
    """Suspend recording for each forward pass."""
    return mg.no_autodiff(program(mg, inputs))


def hand(inputs: Inputs) -> Step:
    """The forward pass on arrays: no suspended recording can cost less."""
    X, Y, h0 = inputs.X, inputs.Y, inputs.h0
    Wx, Wh, b, Wo = astuple(inputs.parameters)

    def step() -> object:
        h = h0
        for t in range(STEPS):
            h = np.tanh(X[t] @ Wx + h @ Wh + b)
        return 0.5 * np.sum((h @ Wo - Y) ** 2)

    return step


def contenders(recorded: Callable[[ModuleType, Inputs], Step]) -> Mapping[str, Callable[[Inputs], Step]]:
    """Give both libraries the suspended program and the ``recorded`` one."""

    def wengert(inputs: Inputs) -> Step:
        import wengert as wg

        return suspended(wg, inputs)

    def wengert_recorded(inputs: Inputs) -> Step:
        import wengert as wg

        return recorded(wg, inputs)

    def mygrad(inputs: Inputs) -> Step:
        import mygrad as mg

        return suspended(mg, inputs)

    def mygrad_recorded(inputs: Inputs) -> Step:
        import mygrad as mg

        return recorded(mg, inputs)

    return {
        "hand": hand,
        "wengert_recorded": wengert_recorded,
        "wengert": wengert,
        "mygrad_recorded": mygrad_recorded,
        "mygrad": mygrad,
    }
