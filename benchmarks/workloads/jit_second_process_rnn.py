"""The first call in a second process, which finds on disk what the first compiled."""

from benchmarks.workloads._first_call import second_process

WORKLOAD = second_process("rnn", "first call in a second process: network of 50 steps in a loop, batch 32", 0.05)
