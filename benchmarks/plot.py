"""Results as a bar plot."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.report import Result


def save_plot(results: Sequence[Result], path: Path) -> None:
    """Draw each contender's median ratio to its base, a group of bars a workload, on a logarithmic scale."""
    from matplotlib.figure import Figure  # only where a plot is asked for

    measured = [name for name in CONTENDERS if any(_is_drawn(each, name) for each in results)]
    width = 0.8 / max(1, len(measured))
    figure = Figure(figsize=(max(6.0, 1.4 * len(results)), 4.5), layout="constrained")
    axes = figure.add_subplot()
    for place, name in enumerate(measured):
        drawn = {at: result.ratio(name) for at, result in enumerate(results) if _is_drawn(result, name)}
        bars = {at: ratio.median for at, ratio in drawn.items() if ratio is not None}
        positions = [at + (place - (len(measured) - 1) / 2) * width for at in bars]
        axes.bar(positions, [each - 1 for each in bars.values()], width, bottom=1.0, label=name)
    targets = [result.target for result in results]
    left, right = [at - 0.45 for at in range(len(results))], [at + 0.45 for at in range(len(results))]
    axes.hlines(targets, left, right, colors="black", linestyles="dashed", label="target for wengert")
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylabel("cost over hand's, or the base's")
    axes.set_xticks(range(len(results)), [_label(each) for each in results], rotation=30, ha="right")
    axes.legend(fontsize="small")
    figure.savefig(path)


def _is_drawn(result: Result, contender: str) -> bool:
    """Whether its ratio says something: neither a base's, which is 1, nor hand's over another base."""
    bases = {"hand", result.base, *result.bases.values()}
    return contender not in bases and result.ratio(contender) is not None


def _label(result: Result) -> str:
    bases = dict.fromkeys([result.base, *result.bases.values()])
    return (
        result.workload if result.base == "hand" else "\n".join([result.workload, *(f"over {each}" for each in bases)])
    )
