"""A few operations on 1000 numbers, compiled: the call and the arithmetic weigh about the same."""

from benchmarks.workloads._jit import CHAIN, chain_inputs, workload

WORKLOAD = workload(
    CHAIN,
    title="sum(tanh(a*b + a) * b), value and gradient in a, n = 1000",
    target=0.15,
    inputs=lambda _smoke: chain_inputs(1000),
)
