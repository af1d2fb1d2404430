"""Normalisation of rows with gain and bias, compiled: reductions and what is made of them, fused."""

from benchmarks.workloads._jit import LAYER_NORM, layer_norm_inputs, workload

WORKLOAD = workload(
    LAYER_NORM,
    title="layer normalisation of 1024 rows of 1000, gradient in rows, gain and bias",
    target=0.5,
    inputs=lambda smoke: layer_norm_inputs(16 if smoke else 1024, 1000),
)
