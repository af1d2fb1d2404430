"""The first call of a compiled program: tracing and compilation, with nothing on disk."""

from benchmarks.workloads._first_call import first_call

WORKLOAD = first_call("rnn", "first call: recurrent network, 50 steps in a loop, batch 32", 0.2)
