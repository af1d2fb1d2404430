"""One workload: a process a contender, prepared one after the other, then measured in alternating rounds."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from benchmarks.client import Client, WorkerError, start
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.report import Result, Row
from benchmarks.workload import Workload, load


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure."""

    rounds: int = 15
    batch: float = 0.03  # seconds that a round's batch of calls should last
    budget: float = 60.0  # seconds after which no further round of a workload starts, once there are three
    timeout: float = 300.0  # seconds after which a worker that does not answer is given up
    threads: int = 1
    smoke: bool = False


def run(name: str, contenders: Sequence[Contender], settings: Settings) -> Result:
    """Measure the workload of that name; hand's form and the bases of those chosen always take part."""
    workload = load(name)
    chosen = _chosen(workload, contenders)
    with ExitStack() as stack:
        clients, rows = {}, {}
        for contender in chosen:
            if not contender.installed:
                rows[contender.name] = Row(contender.name, "", "not installed")
                continue
            client = stack.enter_context(
                start(name, contender.name, threads=settings.threads, smoke=settings.smoke, timeout=settings.timeout)
            )
            rows[contender.name] = row = _prepare(client, contender, settings)
            if row.status == "measured":
                clients[contender.name] = client
        rows |= _measure(clients, rows, settings)
    return Result(
        workload=name,
        title=workload.title,
        unit=workload.quantity.unit,
        target=workload.target,
        slack=workload.slack,
        rows=rows,
        base=workload.base,
        judged=workload.judged,
        bases={contender: base for contender, base in workload.bases.items() if contender in rows},
    )


def _chosen(workload: Workload[Any], contenders: Sequence[Contender]) -> list[Contender]:
    """Who takes part: each once, hand first, and a base before the first that is measured against it."""
    known = {**CONTENDERS, **{each.name: each for each in contenders}}
    asked = [each.name for each in contenders if each.name in workload.contenders]
    names = ["hand", workload.base, *(name for each in asked for name in (workload.base_of(each), each))]
    return [known[name] for name in dict.fromkeys(names)]


def _prepare(client: Client, contender: Contender, settings: Settings) -> Row:
    try:
        prepared = client.prepare(settings.batch)
    except WorkerError as error:
        return _failed(Row(contender.name, contender.version, "measured"), error)
    return Row(contender.name, contender.version, "measured", prepared.calls, prepared.first)


def _measure(clients: dict[str, Client], rows: dict[str, Row], settings: Settings) -> dict[str, Row]:
    """Alternate between the clients, beginning each round with the next of them; a client that fails drops out."""
    amounts: dict[str, list[float]] = {name: [] for name in clients}
    failures: dict[str, Row] = {}
    began = monotonic()
    for done in range(settings.rounds):
        if done >= 3 and monotonic() - began > settings.budget:
            break
        live = [name for name in clients if name not in failures]
        for name in (*live[done % len(clients) :], *live[: done % len(clients)]):
            try:
                amounts[name].append(clients[name].measure(rows[name].calls))
            except WorkerError as error:
                failures[name] = _failed(rows[name], error)
    return {name: replace(rows[name], amounts=tuple(amounts[name])) for name in clients} | failures


def _failed(row: Row, error: WorkerError) -> Row:
    return replace(row, status="failed", reason=error.failed.reason, traceback=error.failed.traceback)
