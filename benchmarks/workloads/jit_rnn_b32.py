"""A recurrent network written as a loop, compiled, batch 32: hundreds of small products."""

from benchmarks.workloads._jit import RNN, STEPS, rnn_inputs, workload

WORKLOAD = workload(
    RNN,
    title="50 steps of h = tanh(X[t] @ Wx + h @ Wh + b), hidden 32, gradient in four parameters, batch 32",
    target=0.6,
    inputs=lambda smoke: rnn_inputs(32, 5 if smoke else STEPS),
)
