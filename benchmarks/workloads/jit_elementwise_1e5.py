"""A hyperbolic tangent and its derivative on 100,000 numbers, compiled: arithmetic within the caches."""

from benchmarks.workloads._jit import CHAIN, chain_inputs, workload

WORKLOAD = workload(
    CHAIN,
    title="sum(tanh(a*b + a) * b), value and gradient in a, n = 100,000",
    target=0.5,
    inputs=lambda _smoke: chain_inputs(100_000),
)
