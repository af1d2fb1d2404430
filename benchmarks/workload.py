"""A workload, and how its file is found."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from benchmarks import workloads
from benchmarks.quantity import SECONDS, Quantity, Step

Inputs = TypeVar("Inputs")


@dataclass(frozen=True, slots=True)
class Workload(Generic[Inputs]):
    """What a file in ``workloads/`` declares, under the name ``WORKLOAD``."""

    title: str
    target: float  # the cost of ``judged`` over its base's, at most
    inputs: Callable[[bool], Inputs]  # given whether this is a smoke run; the same in every process
    contenders: Mapping[str, Callable[[Inputs], Step]]  # each prepares its step from the inputs
    quantity: Quantity = SECONDS
    slack: float = 0.0  # what noise may add to the target where both sides do the same work
    base: str = "hand"  # the contender whose cost is 1×; the answers are always compared with hand's
    bases: Mapping[str, str] = field(default_factory=dict)  # of contenders that have another base than ``base``
    judged: str = "wengert"  # the contender whom the target is for

    def __post_init__(self) -> None:
        """Refuse a workload that could not be checked or measured against anything."""
        if "hand" not in self.contenders:
            raise ValueError(f"the workload {self.title!r} has no contender 'hand' to compare the answers with")
        unknown = {self.base, *self.bases, *self.bases.values()} - self.contenders.keys()
        if unknown:
            raise ValueError(f"the workload {self.title!r} has no contender {', '.join(map(repr, sorted(unknown)))}")

    def base_of(self, contender: str) -> str:
        """Name of the contender that this one is measured against."""
        return self.bases.get(contender, self.base)


def names() -> list[str]:
    """Names of all workloads: the modules of ``workloads/`` without a leading underscore."""
    return sorted(module.name for module in pkgutil.iter_modules(workloads.__path__) if module.name[0] != "_")


def load(name: str) -> Workload[Any]:
    """Find the workload of that name."""
    if name not in names():
        raise LookupError(f"no workload is called {name!r}; there are: {', '.join(names())}")
    found = importlib.import_module(f"{workloads.__name__}.{name}").WORKLOAD
    if not isinstance(found, Workload):
        raise TypeError(f"WORKLOAD in workloads/{name}.py is a {type(found).__name__}, not a Workload")
    return found
