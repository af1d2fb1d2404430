"""Peak memory of one gradient of the digits network, beyond what its inputs hold.

Only libraries whose arrays are NumPy's can be measured so: NumPy tells ``tracemalloc`` of its buffers.
"""

from benchmarks.quantity import PEAK_BYTES
from benchmarks.workload import Workload
from benchmarks.workloads._mlp import CONTENDERS, inputs_of

WORKLOAD = Workload(
    title="peak memory of the 784x300x100x10 network's gradient, batch 128",
    target=1.2,
    inputs=lambda _smoke: inputs_of(128),
    contenders={name: CONTENDERS[name] for name in ("hand", "wengert", "mygrad", "autograd")},
    quantity=PEAK_BYTES,
)
