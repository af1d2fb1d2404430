"""The command line."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.plot import save_plot
from benchmarks.report import Result, as_json
from benchmarks.run import Settings, run
from benchmarks.table import aligned, result_table, summary_tables
from benchmarks.workload import load, names

_SMOKE = Settings(rounds=2, batch=0.001, budget=0.0, smoke=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; 1 if any contender failed."""
    options = _parser().parse_args(arguments)
    if options.list:
        print("\n".join(aligned([(name, load(name).title) for name in names()])))
        return 0
    settings = _settings(options)
    results = []
    for name in options.workload or names():
        results.append(run(name, options.contenders, settings))
        print(result_table(results[-1]), flush=True)
        print()
    if len(results) > 1:
        print(summary_tables(results))
    if settings.smoke:
        print("A smoke run: every answer was checked, the figures mean nothing.")
    if options.json:
        options.json.write_text(json.dumps(as_json(results, asdict(settings)), indent=1) + "\n")
    if options.plot:
        save_plot(results, options.plot)
    return _report_failures(results)


def _report_failures(results: Sequence[Result]) -> int:
    """Show each traceback once, however many workloads it spoiled."""
    failed: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for result in results:
        for row in result.rows.values():
            if row.status == "failed":
                _, workloads = failed.setdefault((row.contender, row.reason), (row.traceback, []))
                workloads.append(result.workload)
    for (contender, reason), (traceback, workloads) in failed.items():
        print(f"\n{contender} failed on {', '.join(workloads)}: {reason}\n{traceback}", file=sys.stderr)
    return 1 if failed else 0


def _settings(options: argparse.Namespace) -> Settings:
    given = {name: getattr(options, name) for name in ("rounds", "threads") if getattr(options, name) is not None}
    return Settings(**{**asdict(_SMOKE if options.smoke else Settings()), **given})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description="wengert and others over hand-derived NumPy")
    parser.add_argument("workload", nargs="*", type=_workload, help="names of workloads (default: all)")
    parser.add_argument("--list", action="store_true", help="list the workloads and end")
    parser.add_argument(
        "--contenders",
        type=_contenders,
        default=list(CONTENDERS.values()),
        metavar="NAME,...",
        help=f"who takes part besides hand and the bases (default: {','.join(CONTENDERS)})",
    )
    parser.add_argument("--rounds", type=_positive, help=f"batches of each contender (default: {Settings().rounds})")
    parser.add_argument("--threads", type=_positive, help="threads of each contender (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios there (needs matplotlib)")
    parser.add_argument("--smoke", action="store_true", help="check every answer, small sizes, two short rounds")
    return parser


def _workload(text: str) -> str:
    if text not in names():
        raise argparse.ArgumentTypeError(f"no workload is called {text!r}; there are: {', '.join(names())}")
    return text


def _contenders(text: str) -> list[Contender]:
    unknown = [name for name in text.split(",") if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: unknown; there are: {', '.join(CONTENDERS)}")
    return [CONTENDERS[name] for name in text.split(",")]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)
