"""Results as aligned text."""

from collections.abc import Iterator, Sequence

from benchmarks.contenders import CONTENDERS
from benchmarks.report import Result, Row

_SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}


def result_table(result: Result) -> str:
    """One workload: a row a contender, with its costs and its ratios to its base."""
    header = ("", "version", "first call", "minimum", "median", "min/min", "median ratio", "over")
    rows = [tuple(_cells(result, row)) for row in result.rows.values()]
    return "\n".join([f"{result.workload}: {result.title}", *aligned([header, *rows]), f"  {_verdict(result)}"])


def summary_tables(results: Sequence[Result]) -> str:
    """All workloads, in a table for each way of choosing the bases, which its heading tells."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(f"median ratio to {_bases(result)}", []).append(result)
    return "\n\n".join(_summary(heading, group) for heading, group in groups.items())


def _bases(result: Result) -> str:
    others = ", ".join(f"{contender}: to {base}" for contender, base in result.bases.items())
    return f"{result.base} ({others})" if others else result.base


def _summary(heading: str, results: Sequence[Result]) -> str:
    """Workloads of the same bases: the median ratio of every contender that took part in any of them."""
    present = {name for each in results for name, row in each.rows.items() if row.status != "not installed"}
    bases = {"hand", results[0].base, *results[0].bases.values()}
    names = [name for name in CONTENDERS if name in present - bases]
    header = (heading, "target", "", *names)
    rows = [
        (
            result.workload,
            f"≤ {result.target:g}×",
            {True: "met", False: "missed", None: ""}[result.met],
            *(_summary_cell(result, name) for name in names),
        )
        for result in results
    ]
    return "\n".join(aligned([header, *rows]))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equal columns, the first to the left, the others to the right; a short row ends in a remark."""
    columns = max(len(row) for row in rows)
    widths = [0] * columns
    for row in rows:
        for at, cell in enumerate(row if len(row) == columns else row[:-1]):
            widths[at] = max(widths[at], len(cell))
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=False)]
        cells[0] = row[0].ljust(widths[0])
        if len(row) < columns:
            cells[-1] = row[-1]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def amount(value: float, unit: str) -> str:
    """A cost with three significant digits and the prefix that suits it."""
    rounded = float(f"{value:.2e}")
    scale, name = next((each for each in _SCALES[unit] if rounded >= each[0]), _SCALES[unit][-1])
    decimals = max(0, 3 - len(str(int(rounded / scale))))
    return f"{rounded / scale:.{decimals}f} {name}"


def times(ratio: float) -> str:
    """A ratio with two decimals, three where it is small, or none where they would say nothing."""
    return f"{ratio:.0f}×" if ratio >= 100 else f"{ratio:.2f}×" if ratio >= 0.1 else f"{ratio:.3f}×"


def _cells(result: Result, row: Row) -> Iterator[str]:
    yield row.contender
    if row.status == "not installed":
        yield row.status
        return
    yield row.version
    if row.status == "failed":
        yield f"failed: {row.reason.splitlines()[0]}"
        return
    yield "–" if row.first is None else amount(row.first, "s")
    yield amount(row.minimum, result.unit)
    yield amount(row.median, result.unit)
    if ratio := result.ratio(row.contender):
        yield times(ratio.of_minima)
        yield times(ratio.median)
        yield result.base_of(row.contender)


def _summary_cell(result: Result, contender: str) -> str:
    if ratio := result.ratio(contender):
        return times(ratio.median)
    row = result.rows.get(contender)
    return "failed" if row is not None and row.status == "failed" else "–"


def _verdict(result: Result) -> str:
    target = f"target for {result.judged}: ≤ {result.target:g}×"
    if result.slack:
        target += f" (and {result.slack:g} for noise: both do the same work)"
    return f"{target}, { {True: 'met', False: 'missed', None: 'not measured'}[result.met] }"
