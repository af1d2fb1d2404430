"""The writes of ``slice_writes`` in forward mode: value and tangent in one pass, each written to in place."""

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads._slice_writes import WIDTH, Inputs, function_of, inputs_of


def hand(inputs: Inputs) -> Step:
    x, v = inputs.x, inputs.v
    x_tangent, v_tangent = np.cos(x), np.cos(v)

    def step() -> object:
        h, t = np.copy(x), np.copy(x_tangent)
        for i in inputs.starts:
            h[i : i + WIDTH] = v * 2
            t[i : i + WIDTH] = v_tangent * 2
        return np.sum(h * h), np.sum(2 * h * t)

    return step


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    f = function_of(inputs)
    at = inputs.x, inputs.v
    tangents = np.cos(inputs.x), np.cos(inputs.v)
    return lambda: wg.jvp(f, at, tangents)


def torch(inputs: Inputs) -> Step:
    import torch as th
    from torch.autograd import forward_ad

    at = th.tensor(inputs.x), th.tensor(inputs.v)
    tangents = th.cos(at[0]), th.cos(at[1])

    def step() -> object:
        with forward_ad.dual_level():
            x, v = (forward_ad.make_dual(*pair) for pair in zip(at, tangents, strict=True))
            h = x.clone()
            for i in inputs.starts:
                h[i : i + WIDTH] = v * 2
            return tuple(forward_ad.unpack_dual(th.sum(h * h)))

    return step


def jax(inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    starts = jnp.asarray(inputs.starts)

    def f(x, v):
        def write(h, i):
            return jx.lax.dynamic_update_slice(h, v * 2, (i,)), None

        h, _ = jx.lax.scan(write, x, starts)
        return jnp.sum(h * h)

    at = jnp.asarray(inputs.x), jnp.asarray(inputs.v)
    tangents = jnp.cos(at[0]), jnp.cos(at[1])
    derivative = jx.jit(lambda at, tangents: jx.jvp(f, at, tangents))
    return lambda: jx.block_until_ready(derivative(at, tangents))


WORKLOAD = Workload(
    title="1000 writes h[i:i+4] = v * 2 to a copy of 10^6 numbers, sum(h * h), value and derivative along a direction",
    target=3.0,
    inputs=lambda smoke: inputs_of(1000, 10) if smoke else inputs_of(10**6, 1000),
    contenders={"hand": hand, "wengert": wengert, "torch": torch, "jax": jax},
)
