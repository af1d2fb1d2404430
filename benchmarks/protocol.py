"""What the harness and its workers say to each other: one JSON object a line, over the worker's pipes."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Prepare:
    """Build the step, check its answer, find how many calls last ``batch`` seconds."""

    batch: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """The step is right; ``calls`` of it make a batch; where it says something, what the first call took in seconds."""

    calls: int
    first: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure one batch of so many calls."""

    calls: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one call cost, as the mean over the batch."""

    amount: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The request could not be met: why, in a line, and where."""

    reason: str
    traceback: str = ""


Message = Prepare | Prepared | Measure | Measured | Failed

_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Prepare, Prepared, Measure, Measured, Failed)}


def encode(message: Message) -> str:
    """One line of text, with its end."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}) + "\n"


def decode(line: str) -> Message:
    """Read a line that ``encode`` wrote."""
    fields = json.loads(line)
    return _KINDS[fields.pop("kind")](**fields)
