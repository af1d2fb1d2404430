"""Results of a run, as records and as JSON."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One contender on one workload."""

    contender: str
    version: str
    status: Literal["measured", "not installed", "failed"]
    calls: int = 0  # in a batch
    first: float | None = None  # seconds of the very first call, with all that a library does but once
    amounts: tuple[float, ...] = ()  # cost of a call, a round each
    reason: str = ""  # of a failure
    traceback: str = ""

    @property
    def minimum(self) -> float:
        """Least cost of a call over the rounds."""
        return min(self.amounts)

    @property
    def median(self) -> float:
        """Median cost of a call over the rounds."""
        return statistics.median(self.amounts)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A contender's cost over its base's."""

    of_minima: float
    median: float  # of the rounds' own ratios: both sides of each were measured at almost the same moment


@dataclass(frozen=True, slots=True)
class Result:
    """One workload's rows; hand's and those of all bases are always among them."""

    workload: str
    title: str
    unit: Literal["s", "B"]
    target: float
    slack: float
    rows: Mapping[str, Row]
    base: str = "hand"
    bases: Mapping[str, str] = field(default_factory=dict)
    judged: str = "wengert"

    def base_of(self, contender: str) -> str:
        """Name of the contender that this one is measured against."""
        return self.bases.get(contender, self.base)

    def ratio(self, contender: str) -> Ratio | None:
        """That contender's cost over its base's; ``None`` unless both were measured."""
        row, base = self.rows.get(contender), self.rows[self.base_of(contender)]
        if row is None or not row.amounts or not base.amounts:
            return None
        pairs = zip(row.amounts, base.amounts, strict=True)
        return Ratio(row.minimum / base.minimum, statistics.median(mine / its for mine, its in pairs))

    @property
    def met(self) -> bool | None:
        """Whether ``judged`` is within the target, to the decimals shown; ``None`` if it was not measured."""
        ratio = self.ratio(self.judged)
        if ratio is None:
            return None
        return round(ratio.median, 3 if ratio.median < 0.1 else 2) <= self.target + self.slack


def as_json(results: Sequence[Result], settings: Mapping[str, object]) -> dict[str, Any]:
    """The run as an object for JSON: machine, settings, every round of every row, and the ratios."""
    return {"machine": machine(), "settings": dict(settings), "workloads": [_result_as_json(each) for each in results]}


def _result_as_json(result: Result) -> dict[str, Any]:
    ratios = {name: ratio for name in result.rows if (ratio := result.ratio(name)) is not None}
    return {**asdict(result), "met": result.met, "ratios": {name: asdict(ratio) for name, ratio in ratios.items()}}


def machine() -> dict[str, object]:
    """What the figures depend on and the code does not say."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
