"""A recurrent network written as a loop, compiled, batch 1: hundreds of products too small for a library."""

from benchmarks.workloads._jit import RNN, STEPS, rnn_inputs, workload

WORKLOAD = workload(
    RNN,
    title="50 steps of h = tanh(X[t] @ Wx + h @ Wh + b), hidden 32, gradient in four parameters, batch 1",
    target=0.15,
    inputs=lambda smoke: rnn_inputs(1, 5 if smoke else STEPS),
)
