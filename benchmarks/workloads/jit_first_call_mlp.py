"""The first call of a compiled program: tracing and compilation, with nothing on disk."""

from benchmarks.workloads._first_call import first_call

WORKLOAD = first_call("mlp", "first call: 784x300x100x10 network, batch 128", 0.2)
