"""What a workload measures of its steps: seconds or bytes."""

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter
from typing import Literal, cast

Step = Callable[[], object]
"""One unit of a workload's work, ready to run; returns its answer as a tree of arrays."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a step's cost is read off."""

    unit: Literal["s", "B"]
    measure: Callable[[Step, int], float]  # the cost of one call, as the mean of so many calls
    batched: bool = True  # whether a measurement repeats the call until it has lasted long enough
    checked: bool = True  # whether the step's answer is a result that can be compared with hand's


def _seconds(step: Step, calls: int) -> float:
    if calls > 1:
        step()  # brings back what the other contenders pushed out of the caches
    start = perf_counter()
    for _ in repeat(None, calls):
        step()
    return (perf_counter() - start) / calls


def _peak_bytes(step: Step, calls: int) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in repeat(None, calls):
            step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return float(peak - before)


def _reported_seconds(step: Step, calls: int) -> float:
    return sum(cast("float", step()) for _ in repeat(None, calls)) / calls


SECONDS = Quantity("s", _seconds)
PEAK_BYTES = Quantity("B", _peak_bytes, batched=False)  # NumPy reports its buffers to tracemalloc
REPORTED_SECONDS = Quantity("s", _reported_seconds, batched=False, checked=False)  # the step returns its own time
