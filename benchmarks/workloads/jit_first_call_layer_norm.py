"""The first call of a compiled program: tracing and compilation, with nothing on disk."""

from benchmarks.workloads._first_call import first_call

WORKLOAD = first_call("layer_norm", "first call: layer normalisation of 1024 rows of 1000", 0.3)
