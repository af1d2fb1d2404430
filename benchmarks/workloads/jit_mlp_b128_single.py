"""The digits network on 128 images in single precision, compiled."""

import numpy as np

from benchmarks.workloads._jit import MLP, mlp_inputs, workload

WORKLOAD = workload(
    MLP,
    title="784x300x100x10 network with cross-entropy, gradient in all parameters, batch 128, float32",
    target=1.0,
    inputs=lambda _smoke: mlp_inputs(128, np.float32),
)
