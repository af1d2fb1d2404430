"""A recurrent network written as a loop: 50 steps, hidden 32, input 16, output 4, batch 1.

Hand differentiates the loop as it stands, step by step. Contender ``rewritten`` shows what is lost by that: it takes
what does not depend on the state out of both loops and does it for all steps at once.
"""

from dataclasses import astuple, dataclass

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload

STEPS, BATCH, HIDDEN, INPUT, OUTPUT = 50, 1, 32, 16, 4


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the gradient is taken in."""

    Wx: np.ndarray
    Wh: np.ndarray
    b: np.ndarray
    Wo: np.ndarray


@dataclass(frozen=True, slots=True)
class Inputs:
    """Data, which are constants to every contender, and parameters."""

    X: np.ndarray
    Y: np.ndarray
    h0: np.ndarray
    parameters: Parameters


def inputs(_smoke: bool) -> Inputs:
    rng = np.random.default_rng(0)
    shapes = (INPUT, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, OUTPUT)
    parameters = Parameters(*(0.2 * rng.normal(size=shape) for shape in shapes))
    X, Y = rng.normal(size=(STEPS, BATCH, INPUT)), rng.normal(size=(BATCH, OUTPUT))
    return Inputs(X, Y, np.zeros((BATCH, HIDDEN)), parameters)


def hand(inputs: Inputs) -> Step:
    X, Y, h0 = inputs.X, inputs.Y, inputs.h0
    Wx, Wh, b, Wo = astuple(inputs.parameters)

    def step() -> object:
        hs = [h0]
        for t in range(STEPS):
            hs.append(np.tanh(X[t] @ Wx + hs[t] @ Wh + b))
        error = hs[-1] @ Wo - Y
        gWx, gWh, gb = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        gWo = hs[-1].T @ error
        gh = error @ Wo.T
        for t in reversed(range(STEPS)):
            h = hs[t + 1]
            gz = gh * (1 - h * h)
            gWx += X[t].T @ gz
            gWh += hs[t].T @ gz
            gb += np.sum(gz, axis=0)
            gh = gz @ Wh.T
        return 0.5 * np.sum(error**2), Parameters(gWx, gWh, gb, gWo)

    return step


def rewritten(inputs: Inputs) -> Step:
    X, Y, h0 = inputs.X[:, 0], inputs.Y, inputs.h0
    Wx, Wh, b, Wo = astuple(inputs.parameters)

    def step() -> object:
        z = X @ Wx + b
        hs = np.empty((STEPS + 1, HIDDEN))
        hs[0] = h0
        for t in range(STEPS):
            np.tanh(z[t] + hs[t] @ Wh, out=hs[t + 1])
        error = hs[-1:] @ Wo - Y
        slopes = 1 - hs[1:] * hs[1:]
        gz = np.empty((STEPS, HIDDEN))
        gh = Wo @ error[0]
        for t in reversed(range(STEPS)):
            gh = Wh @ np.multiply(gh, slopes[t], out=gz[t])
        gradients = Parameters(X.T @ gz, hs[:-1].T @ gz, np.sum(gz, axis=0), hs[-1:].T @ error)
        return 0.5 * np.sum(error**2), gradients

    return step


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    X, Y, h0 = inputs.X, inputs.Y, inputs.h0

    def loss(p):
        h = h0
        for t in range(STEPS):
            h = np.tanh(X[t] @ p.Wx + h @ p.Wh + p.b)
        return 0.5 * np.sum((h @ p.Wo - Y) ** 2)

    gradient = wg.value_and_grad(loss)
    return lambda: gradient(inputs.parameters)


def mygrad(inputs: Inputs) -> Step:
    import mygrad as mg

    X, Y, h0 = inputs.X, inputs.Y, inputs.h0
    p = Parameters(*(mg.tensor(each) for each in astuple(inputs.parameters)))

    def step() -> object:
        h = h0
        for t in range(STEPS):
            h = mg.tanh(X[t] @ p.Wx + h @ p.Wh + p.b)
        loss = 0.5 * mg.sum((h @ p.Wo - Y) ** 2)
        loss.backward()
        return loss.data, Parameters(p.Wx.grad, p.Wh.grad, p.b.grad, p.Wo.grad)

    return step


def autograd(inputs: Inputs) -> Step:
    import autograd as ag
    import autograd.numpy as anp

    X, Y, h0 = inputs.X, inputs.Y, inputs.h0

    def loss(parameters):
        Wx, Wh, b, Wo = parameters
        h = h0
        for t in range(STEPS):
            h = anp.tanh(anp.dot(X[t], Wx) + anp.dot(h, Wh) + b)
        return 0.5 * anp.sum((anp.dot(h, Wo) - Y) ** 2)

    gradient = ag.value_and_grad(loss)
    parameters = astuple(inputs.parameters)

    def step() -> object:
        value, gradients = gradient(parameters)
        return value, Parameters(*gradients)

    return step


def torch(inputs: Inputs) -> Step:
    import torch as th

    X, Y, h0 = (th.tensor(each) for each in (inputs.X, inputs.Y, inputs.h0))
    parameters = [th.tensor(each, requires_grad=True) for each in astuple(inputs.parameters)]
    p = Parameters(*parameters)

    def step() -> object:
        h = h0
        for t in range(STEPS):
            h = th.tanh(X[t] @ p.Wx + h @ p.Wh + p.b)
        loss = 0.5 * th.sum((h @ p.Wo - Y) ** 2)
        return loss.detach(), Parameters(*th.autograd.grad(loss, parameters))

    return step


def jax(inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    def loss(parameters, X, Y, h):
        Wx, Wh, b, Wo = parameters
        for t in range(STEPS):
            h = jnp.tanh(X[t] @ Wx + h @ Wh + b)
        return 0.5 * jnp.sum((h @ Wo - Y) ** 2)

    gradient = jx.jit(jx.value_and_grad(loss))
    X, Y, h0, *parameters = map(jnp.asarray, (inputs.X, inputs.Y, inputs.h0, *astuple(inputs.parameters)))

    def step() -> object:
        value, gradients = jx.block_until_ready(gradient(parameters, X, Y, h0))
        return value, Parameters(*gradients)

    return step


WORKLOAD = Workload(
    title="50 steps of h = tanh(X[t] @ Wx + h @ Wh + b), hidden 32, batch 1, gradient in four parameters",
    target=2.0,
    inputs=inputs,
    contenders={
        "hand": hand,
        "wengert": wengert,
        "mygrad": mygrad,
        "autograd": autograd,
        "torch": torch,
        "jax": jax,
        "rewritten": rewritten,
    },
)
