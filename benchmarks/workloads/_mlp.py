"""The multi-layer perceptron 784x300x100x10 for digits: logistic, logistic, softmax, cross-entropy."""

from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np

from benchmarks.quantity import Step

SIZES = (784, 300, 100, 10)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Weights and biases, layer by layer; what the gradient is taken in."""

    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray
    W3: np.ndarray
    b3: np.ndarray


@dataclass(frozen=True, slots=True)
class Inputs:
    """Images ``x``, one-hot labels ``y``, and parameters."""

    x: np.ndarray
    y: np.ndarray
    parameters: Parameters


def inputs_of(batch: int) -> Inputs:
    """Inputs with so many images."""
    rng = np.random.default_rng(0)
    parameters = []
    for before, after in pairwise(SIZES):
        parameters += [0.05 * rng.normal(size=(before, after)), 0.1 * rng.normal(size=after)]
    y = np.eye(SIZES[-1])[rng.integers(SIZES[-1], size=batch)]
    return Inputs(rng.uniform(size=(batch, SIZES[0])), y, Parameters(*parameters))


def hand(inputs: Inputs) -> Step:
    """Use the short forms: ``h * (1 - h)`` of the logistic, ``(p - y) / n`` of cross-entropy after softmax."""
    x, y, n = inputs.x, inputs.y, len(inputs.x)
    W1, b1, W2, b2, W3, b3 = astuple(inputs.parameters)

    def step() -> object:
        h1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
        h2 = 1 / (1 + np.exp(-(h1 @ W2 + b2)))
        e = np.exp(h2 @ W3 + b3)
        p = e / np.sum(e, axis=1, keepdims=True)
        loss = -np.sum(y * np.log(p)) / n
        g3 = (p - y) / n
        g2 = (g3 @ W3.T) * (h2 * (1 - h2))
        g1 = (g2 @ W2.T) * (h1 * (1 - h1))
        return loss, Parameters(
            x.T @ g1, np.sum(g1, axis=0), h1.T @ g2, np.sum(g2, axis=0), h2.T @ g3, np.sum(g3, axis=0)
        )

    return step


def wengert(inputs: Inputs) -> Step:
    """Write everything out in NumPy."""
    import wengert as wg

    x, y, n = inputs.x, inputs.y, len(inputs.x)

    def loss(p):
        h1 = 1 / (1 + np.exp(-(x @ p.W1 + p.b1)))
        h2 = 1 / (1 + np.exp(-(h1 @ p.W2 + p.b2)))
        e = np.exp(h2 @ p.W3 + p.b3)
        softmax = e / np.sum(e, axis=1, keepdims=True)
        return -np.sum(y * np.log(softmax)) / n

    gradient = wg.value_and_grad(loss)
    return lambda: gradient(inputs.parameters)


def mygrad(inputs: Inputs) -> Step:
    """Write everything out in MyGrad."""
    import mygrad as mg

    x, y, n = inputs.x, inputs.y, len(inputs.x)
    parameters = [mg.tensor(each) for each in astuple(inputs.parameters)]
    p = Parameters(*parameters)

    def step() -> object:
        h1 = 1 / (1 + mg.exp(-(x @ p.W1 + p.b1)))
        h2 = 1 / (1 + mg.exp(-(h1 @ p.W2 + p.b2)))
        e = mg.exp(h2 @ p.W3 + p.b3)
        softmax = e / mg.sum(e, axis=1, keepdims=True)
        loss = -mg.sum(y * mg.log(softmax)) / n
        loss.backward()
        return loss.data, Parameters(*(each.grad for each in parameters))

    return step


def autograd(inputs: Inputs) -> Step:
    """Write everything out in autograd.numpy."""
    import autograd as ag
    import autograd.numpy as anp

    x, y, n = inputs.x, inputs.y, len(inputs.x)

    def loss(parameters):
        W1, b1, W2, b2, W3, b3 = parameters
        h1 = 1 / (1 + anp.exp(-(anp.dot(x, W1) + b1)))
        h2 = 1 / (1 + anp.exp(-(anp.dot(h1, W2) + b2)))
        e = anp.exp(anp.dot(h2, W3) + b3)
        softmax = e / anp.sum(e, axis=1, keepdims=True)
        return -anp.sum(y * anp.log(softmax)) / n

    gradient = ag.value_and_grad(loss)
    parameters = astuple(inputs.parameters)

    def step() -> object:
        value, gradients = gradient(parameters)
        return value, Parameters(*gradients)

    return step


def torch(inputs: Inputs) -> Step:
    """Write everything out in PyTorch."""
    import torch as th

    x, y, n = th.tensor(inputs.x), th.tensor(inputs.y), len(inputs.x)
    parameters = [th.tensor(each, requires_grad=True) for each in astuple(inputs.parameters)]
    p = Parameters(*parameters)

    def step() -> object:
        h1 = 1 / (1 + th.exp(-(x @ p.W1 + p.b1)))
        h2 = 1 / (1 + th.exp(-(h1 @ p.W2 + p.b2)))
        e = th.exp(h2 @ p.W3 + p.b3)
        softmax = e / th.sum(e, dim=1, keepdim=True)
        loss = -th.sum(y * th.log(softmax)) / n
        return loss.detach(), Parameters(*th.autograd.grad(loss, parameters))

    return step


def jax(inputs: Inputs) -> Step:
    """Write everything out in JAX."""
    import jax as jx
    import jax.numpy as jnp

    n = len(inputs.x)

    def loss(parameters, x, y):
        W1, b1, W2, b2, W3, b3 = parameters
        h1 = 1 / (1 + jnp.exp(-(x @ W1 + b1)))
        h2 = 1 / (1 + jnp.exp(-(h1 @ W2 + b2)))
        e = jnp.exp(h2 @ W3 + b3)
        softmax = e / jnp.sum(e, axis=1, keepdims=True)
        return -jnp.sum(y * jnp.log(softmax)) / n

    gradient = jx.jit(jx.value_and_grad(loss))
    x, y, *parameters = map(jnp.asarray, (inputs.x, inputs.y, *astuple(inputs.parameters)))

    def step() -> object:
        value, gradients = jx.block_until_ready(gradient(parameters, x, y))
        return value, Parameters(*gradients)

    return step


CONTENDERS = {
    "hand": hand,
    "wengert": wengert,
    "mygrad": mygrad,
    "autograd": autograd,
    "torch": torch,
    "jax": jax,
}
