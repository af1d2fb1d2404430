"""A recurrence that keeps its states in the rows of one array: each row is read after it was written, 2000 in all.

To tell a read's gradient from that of what the row held before, an engine must know the order of reads and writes.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload

SIZE = 8


@dataclass(frozen=True, slots=True)
class Inputs:
    """The first state, the matrix, and how many states there are with the first."""

    h0: np.ndarray
    W: np.ndarray
    rows: int


def inputs(smoke: bool) -> Inputs:
    rng = np.random.default_rng(0)
    W, _ = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))  # a rotation: neither states nor gradients grow or die out
    return Inputs(rng.normal(size=SIZE), W, 20 if smoke else 2000)


def hand(inputs: Inputs) -> Step:
    h0, W, rows = inputs.h0, inputs.W, inputs.rows

    def step() -> object:
        h = np.empty((rows, SIZE))
        h[0] = h0
        for t in range(rows - 1):
            h[t + 1] = np.tanh(h[t] @ W)
        g, gW = 2 * h, np.zeros_like(W)
        for t in reversed(range(rows - 1)):
            y = h[t + 1]
            gz = g[t + 1] * (1 - y * y)
            gW += np.multiply.outer(h[t], gz)
            g[t] += gz @ W.T
        return np.sum(h * h), gW

    return step


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    def f(W):
        h = np.empty_like(W, shape=(inputs.rows, SIZE))
        h[0] = inputs.h0
        for t in range(inputs.rows - 1):
            h[t + 1] = np.tanh(h[t] @ W)
        return np.sum(h * h)

    gradient = wg.value_and_grad(f)
    return lambda: gradient(inputs.W)


def mygrad(inputs: Inputs) -> Step:
    import mygrad as mg

    W = mg.tensor(inputs.W)

    def step() -> object:
        h = mg.empty((inputs.rows, SIZE), dtype=inputs.W.dtype)
        h[0] = inputs.h0
        for t in range(inputs.rows - 1):
            h[t + 1] = mg.tanh(h[t] @ W)
        y = mg.sum(h * h)
        y.backward()
        return y.data, W.grad

    return step


def torch(inputs: Inputs) -> Step:
    """Read a clone of each row: PyTorch refuses to go back through a row whose array was written to meanwhile."""
    import torch as th

    h0, W = th.tensor(inputs.h0), th.tensor(inputs.W, requires_grad=True)

    def step() -> object:
        h = th.empty((inputs.rows, SIZE), dtype=W.dtype)
        h[0] = h0
        for t in range(inputs.rows - 1):
            h[t + 1] = th.tanh(h[t].clone() @ W)
        y = th.sum(h * h)
        return y.detach(), *th.autograd.grad(y, (W,))

    return step


def jax(inputs: Inputs) -> Step:
    """Let ``scan`` lay out the rows: there are no writes in JAX."""
    import jax as jx
    import jax.numpy as jnp

    def f(W, h0):
        def next_row(h, _):
            row = jnp.tanh(h @ W)
            return row, row

        _, h = jx.lax.scan(next_row, h0, None, length=inputs.rows - 1)
        return jnp.sum(h0 * h0) + jnp.sum(h * h)

    gradient = jx.jit(jx.value_and_grad(f))
    W, h0 = jnp.asarray(inputs.W), jnp.asarray(inputs.h0)
    return lambda: jx.block_until_ready(gradient(W, h0))


WORKLOAD = Workload(
    title="h[t+1] = tanh(h[t] @ W) in the 2000 rows of one array, sum(h * h), value and gradient in W, 8 columns",
    target=3.0,
    inputs=inputs,
    contenders={"hand": hand, "wengert": wengert, "mygrad": mygrad, "torch": torch, "jax": jax},
)
