"""Softmax cross-entropy with integer labels, compiled: exponentials, reductions, reads by position."""

from benchmarks.workloads._jit import CROSS_ENTROPY, cross_entropy_inputs, workload

WORKLOAD = workload(
    CROSS_ENTROPY,
    title="softmax cross-entropy of 1024 rows of 1000 with labels, value and gradient",
    target=0.5,
    inputs=lambda smoke: cross_entropy_inputs(16 if smoke else 1024, 1000),
)
