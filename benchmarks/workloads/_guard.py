"""The same program on tensors with the memory guard on, the default, and off.

The guard makes arrays that an operation uses read-only until the graph is gone. MyGrad has one too: its program is the
same, only the import differs.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from benchmarks.quantity import Step

BASE = "wengert_unguarded"
BASES = {"mygrad": "mygrad_unguarded"}


def contenders(program: Callable[[ModuleType, Any], Step]) -> Mapping[str, Callable[[Any], Step]]:
    """Give ``program`` to both libraries twice. A process has one contender, so the guard can be off in all of it."""

    def wengert(inputs: Any) -> Step:
        import wengert as wg

        return program(wg, inputs)

    def wengert_unguarded(inputs: Any) -> Step:
        import wengert as wg

        wg.turn_memory_guarding_off()
        return program(wg, inputs)

    def mygrad(inputs: Any) -> Step:
        import mygrad as mg

        return program(mg, inputs)

    def mygrad_unguarded(inputs: Any) -> Step:
        import mygrad as mg

        mg.turn_memory_guarding_off()
        return program(mg, inputs)

    return {
        "wengert_unguarded": wengert_unguarded,
        "wengert": wengert,
        "mygrad_unguarded": mygrad_unguarded,
        "mygrad": mygrad,
    }
