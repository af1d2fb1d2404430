"""Programs for compilers, each written once: what wengert compiles, against what JAX does.

A program is a function of parameters and data that is given the module which stands for NumPy; the answer is its value
and its gradient in all parameters. Hand, wengert and its compiler are given NumPy's arrays, JAX and PyTorch their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload

Array = Any
Parameters = list[Array]
Inputs = tuple[Any, ...]
"""The parameters, a list of arrays; then data."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program, and its derivative by hand.

    ``written`` makes the function for a module. ``alternatives`` are other ways to write it for JAX alone.
    """

    written: Callable[[Any], Callable[..., Array]]
    hand: Callable[..., object]
    alternatives: Mapping[str, Callable[[], Callable[..., Array]]] = field(default_factory=dict)

    def contenders(self) -> dict[str, Callable[[Inputs], Step]]:
        """Everyone who takes part in a measurement of calls. JAX is given the fastest way of writing the program."""
        return {
            "hand": self.by_hand,
            "wengert": self.eager,
            "compiled": self.compiled,
            "torch": self.torch,
            "jax": self.fastest_jax,
        }

    def by_hand(self, inputs: Inputs) -> Step:
        """NumPy."""
        return lambda: self.hand(*inputs)

    def eager(self, inputs: Inputs) -> Step:
        """Record, and go backward, at each call."""
        import wengert as wg

        gradient = wg.value_and_grad(self.written(np))
        return lambda: gradient(*inputs)

    def compiled(self, inputs: Inputs) -> Step:
        """The same under ``wengert.jit``."""
        import wengert as wg

        gradient = wg.jit(wg.value_and_grad(self.written(np)))
        return lambda: gradient(*inputs)

    def torch(self, inputs: Inputs) -> Step:
        """PyTorch, eager; its functions take NumPy's keywords."""
        import torch as th

        parameters = [th.tensor(each, requires_grad=True) for each in inputs[0]]
        data = [th.tensor(each) for each in inputs[1:]]
        loss = self.written(th)

        def step() -> object:
            value = loss(parameters, *data)
            return value.detach(), list(th.autograd.grad(value, parameters))

        return step

    def jax(self, inputs: Inputs) -> Step:
        """The program as it is written."""
        import jax.numpy as jnp

        return _jax_step(self.written(jnp), inputs)

    def jax_as(self, name: str) -> Callable[[Inputs], Step]:
        """The program in another way of writing it."""
        return lambda inputs: _jax_step(self.alternatives[name](), inputs)

    def fastest_jax(self, inputs: Inputs) -> Step:
        """Whichever way of writing the program JAX runs fastest."""
        steps = [self.jax(inputs), *[self.jax_as(name)(inputs) for name in self.alternatives]]
        return min(steps, key=_seconds) if len(steps) > 1 else steps[0]


def _jax_step(loss: Callable[..., Array], inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    gradient = jx.jit(jx.value_and_grad(loss))
    parameters, *data = [jnp.asarray(each) for each in inputs[0]], *map(jnp.asarray, inputs[1:])
    return lambda: jx.block_until_ready(gradient(parameters, *data))


def _seconds(step: Step) -> float:
    """The least time of five calls, after one for whatever is done but once."""
    step()
    times = []
    for _ in range(5):
        start = perf_counter()
        step()
        times.append(perf_counter() - start)
    return min(times)


# A few operations on vectors ----------------------------------------------------------------------------------------


def chain(np: Any) -> Callable[..., Array]:
    def loss(parameters: Parameters, b: Array) -> Array:
        (a,) = parameters
        return np.sum(np.tanh(a * b + a) * b)

    return loss


def chain_by_hand(parameters: Parameters, b: Array) -> object:
    (a,) = parameters
    t = np.tanh(a * b + a)
    return np.sum(t * b), [b * (1 - t * t) * (b + 1)]


def chain_inputs(n: int, dtype: type = np.float64) -> Inputs:
    a, b = np.random.default_rng(0).normal(size=(2, n)).astype(dtype)
    return [a], b


# A network for digits -----------------------------------------------------------------------------------------------

SIZES = (784, 300, 100, 10)


def mlp(np: Any) -> Callable[..., Array]:
    def loss(parameters: Parameters, x: Array, y: Array) -> Array:
        W1, b1, W2, b2, W3, b3 = parameters
        h1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
        h2 = 1 / (1 + np.exp(-(h1 @ W2 + b2)))
        e = np.exp(h2 @ W3 + b3)
        softmax = e / np.sum(e, axis=1, keepdims=True)
        return -np.sum(y * np.log(softmax)) / len(x)

    return loss


def mlp_by_hand(parameters: Parameters, x: Array, y: Array) -> object:
    W1, b1, W2, b2, W3, b3 = parameters
    h1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    h2 = 1 / (1 + np.exp(-(h1 @ W2 + b2)))
    e = np.exp(h2 @ W3 + b3)
    p = e / np.sum(e, axis=1, keepdims=True)
    g3 = (p - y) / len(x)
    g2 = (g3 @ W3.T) * (h2 * (1 - h2))
    g1 = (g2 @ W2.T) * (h1 * (1 - h1))
    gradients = [x.T @ g1, np.sum(g1, axis=0), h1.T @ g2, np.sum(g2, axis=0), h2.T @ g3, np.sum(g3, axis=0)]
    return -np.sum(y * np.log(p)) / len(x), gradients


def mlp_inputs(batch: int, dtype: type = np.float64) -> Inputs:
    rng = np.random.default_rng(0)
    parameters = []
    for before, after in pairwise(SIZES):
        parameters += [0.05 * rng.normal(size=(before, after)), 0.1 * rng.normal(size=after)]
    y = np.eye(SIZES[-1])[rng.integers(SIZES[-1], size=batch)]
    return _as(dtype, parameters, rng.uniform(size=(batch, SIZES[0])), y)


# A recurrent network ------------------------------------------------------------------------------------------------

STEPS, HIDDEN, INPUT, OUTPUT = 50, 32, 16, 4


def rnn(np: Any) -> Callable[..., Array]:
    def loss(parameters: Parameters, X: Array, Y: Array, h: Array) -> Array:
        Wx, Wh, b, Wo = parameters
        for t in range(len(X)):
            h = np.tanh(X[t] @ Wx + h @ Wh + b)
        return 0.5 * np.sum((h @ Wo - Y) ** 2)

    return loss


def rnn_as_scan() -> Callable[..., Array]:
    import jax as jx
    import jax.numpy as jnp

    def loss(parameters: Parameters, X: Array, Y: Array, h: Array) -> Array:
        Wx, Wh, b, Wo = parameters
        last, _ = jx.lax.scan(lambda h, x: (jnp.tanh(x @ Wx + h @ Wh + b), None), h, X)
        return 0.5 * jnp.sum((last @ Wo - Y) ** 2)

    return loss


def rnn_by_hand(parameters: Parameters, X: Array, Y: Array, h: Array) -> object:
    Wx, Wh, b, Wo = parameters
    hs = [h]
    for x in X:
        hs.append(np.tanh(x @ Wx + hs[-1] @ Wh + b))
    error = hs[-1] @ Wo - Y
    gWx, gWh, gb = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    gh = error @ Wo.T
    for t in reversed(range(len(X))):
        gz = gh * (1 - hs[t + 1] * hs[t + 1])
        gWx += X[t].T @ gz
        gWh += hs[t].T @ gz
        gb += np.sum(gz, axis=0)
        gh = gz @ Wh.T
    return 0.5 * np.sum(error**2), [gWx, gWh, gb, hs[-1].T @ error]


def rnn_inputs(batch: int, steps: int = STEPS, dtype: type = np.float64) -> Inputs:
    rng = np.random.default_rng(0)
    shapes = (INPUT, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN, OUTPUT)
    parameters = [0.2 * rng.normal(size=shape) for shape in shapes]
    X, Y = rng.normal(size=(steps, batch, INPUT)), rng.normal(size=(batch, OUTPUT))
    return _as(dtype, parameters, X, Y, np.zeros((batch, HIDDEN)))


# Rows: normalisation, and cross-entropy -----------------------------------------------------------------------------


def layer_norm(np: Any) -> Callable[..., Array]:
    def loss(parameters: Parameters, u: Array) -> Array:
        x, gain, bias = parameters
        centred = x - np.mean(x, axis=1, keepdims=True)
        variance = np.mean(centred * centred, axis=1, keepdims=True)
        return np.sum((centred / np.sqrt(variance + 1e-5) * gain + bias) * u)

    return loss


def layer_norm_by_hand(parameters: Parameters, u: Array) -> object:
    x, gain, bias = parameters
    centred = x - np.mean(x, axis=1, keepdims=True)
    scale = 1 / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 1e-5)
    normal = centred * scale
    g = u * gain
    means = np.mean(g, axis=1, keepdims=True), np.mean(g * normal, axis=1, keepdims=True)
    gradients = [scale * (g - means[0] - normal * means[1]), np.sum(u * normal, axis=0), np.sum(u, axis=0)]
    return np.sum((normal * gain + bias) * u), gradients


def layer_norm_inputs(rows: int, columns: int, dtype: type = np.float64) -> Inputs:
    x, u = np.random.default_rng(0).normal(size=(2, rows, columns))
    gain, bias = np.random.default_rng(1).normal(size=(2, columns))
    return _as(dtype, [x, gain, bias], u)


def cross_entropy(np: Any) -> Callable[..., Array]:
    def loss(parameters: Parameters, labels: Array, rows: Array) -> Array:
        (scores,) = parameters
        z = scores - np.amax(scores, axis=1, keepdims=True)
        logs = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        return -np.mean(logs[rows, labels])

    return loss


def cross_entropy_by_hand(parameters: Parameters, labels: Array, rows: Array) -> object:
    (scores,) = parameters
    z = scores - np.max(scores, axis=1, keepdims=True)
    e = np.exp(z)
    total = np.sum(e, axis=1, keepdims=True)
    g = e / total
    g[rows, labels] -= 1
    g /= len(rows)
    return np.mean(np.log(total[:, 0]) - z[rows, labels]), [g]


def cross_entropy_inputs(rows: int, columns: int, dtype: type = np.float64) -> Inputs:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(rows, columns)).astype(dtype)
    return [scores], rng.integers(columns, size=rows), np.arange(rows)


def _as(dtype: type, parameters: Sequence[Array], *data: Array) -> Inputs:
    return [each.astype(dtype) for each in parameters], *[each.astype(dtype) for each in data]


CHAIN = Program(chain, chain_by_hand)
MLP = Program(mlp, mlp_by_hand)
RNN = Program(rnn, rnn_by_hand, {"jax_scan": rnn_as_scan})
LAYER_NORM = Program(layer_norm, layer_norm_by_hand)
CROSS_ENTROPY = Program(cross_entropy, cross_entropy_by_hand)


def workload(program: Program, title: str, target: float, inputs: Callable[[bool], Inputs]) -> Workload[Inputs]:
    """A measurement of calls, over those of ``jax.jit``."""
    return Workload(
        title=f"{title}, compiled",
        target=target,
        inputs=inputs,
        contenders=program.contenders(),
        base="jax",
        judged="compiled",
    )
