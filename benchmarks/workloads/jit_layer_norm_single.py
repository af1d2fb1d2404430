"""Normalisation of rows with gain and bias, single precision, compiled."""

import numpy as np

from benchmarks.workloads._jit import LAYER_NORM, layer_norm_inputs, workload

WORKLOAD = workload(
    LAYER_NORM,
    title="layer normalisation of 1024 rows of 1000, gradient in rows, gain and bias, float32",
    target=0.5,
    inputs=lambda smoke: layer_norm_inputs(16 if smoke else 1024, 1000, np.float32),
)
