"""The first call in a second process, which finds on disk what the first compiled."""

from benchmarks.workloads._first_call import second_process

WORKLOAD = second_process("mlp", "first call in a second process: 784x300x100x10 network, batch 128", 0.05)
