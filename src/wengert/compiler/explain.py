"""What was compiled, for people: kernels with the lines that they came from, products of matrices, calls of NumPy."""

from __future__ import annotations

import linecache
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.compiler.executable import Executable, Piece
from wengert.compiler.functions import TRANSCENDENTAL
from wengert.compiler.fuse import use_of
from wengert.compiler.graph import Source, Value
from wengert.compiler.kernel import Kernel
from wengert.compiler.program import Call, Gemm, Step

__all__ = ["Report", "ReportedStep", "report"]


class ReportedStep(NamedTuple):
    """One step of a compiled function.

    ``kind`` is ``"kernel"``, ``"product"``, ``"loop"`` or ``"NumPy"``, ``what`` a short description, ``reason`` why
    NumPy computes it (empty otherwise). ``sources`` are the lines of the program it comes from. ``bytes_moved`` counts
    each element of memory that is read or written once for each place it is used at, ``operations`` elementary
    functions and arithmetic on elements. ``inner`` are a loop's own steps.
    """

    kind: str
    what: str
    sources: tuple[Source, ...]
    bytes_moved: int
    operations: int
    reason: str = ""
    inner: tuple[ReportedStep, ...] = ()


class Report:
    """What a function was compiled to, for one signature. ``str`` of it is the report; ``steps`` its parts.

    ``workspace`` is the memory for values in between, in bytes. ``notes`` say what the compiled form depends on.
    ``edges`` are pairs of positions in ``steps``: the second uses what the first computes.
    """

    def __init__(
        self,
        name: str,
        signature: str,
        steps: Sequence[ReportedStep],
        workspace: int,
        notes: Sequence[str] = (),
        edges: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.name = name
        self.signature = signature
        self.steps = tuple(steps)
        self.workspace = workspace
        self.notes = tuple(notes)
        self.edges = tuple(edges)

    def __repr__(self) -> str:
        return f"<Report on {self.name}{self.signature}: {self._summary()}>"

    def __str__(self) -> str:
        lines = [f"{self.name}{self.signature}", f"  {self._summary()}", *[f"  {note}" for note in self.notes]]
        for first, period, times in _cycles(self.steps):
            part = self.steps[first : first + period]
            if period == 1:
                lines += ["", *_lines(part[0], f"{first + 1:3}", times)]
            else:
                lines += ["", f"{first + 1:3}  {times} times the next {period} steps:"]
                for i, step in enumerate(part, first + 1):
                    lines += _lines(step, f"{i:6}")
        return "\n".join(lines)

    def draw(self, filename: str | os.PathLike[str] | None = None) -> Any:
        """The steps as a graph, a ``graphviz.Digraph``: boxes, and arrows to the steps that use their results.

        With ``filename`` it is also written there; the name's suffix says in which format (``"steps.svg"``), and
        Graphviz's programs are needed. Raises ``ImportError`` if the package graphviz is missing.
        """
        try:
            import graphviz
        except ImportError as error:
            raise ImportError(
                'Report.draw needs the package graphviz. Install it with: pip install "wengert[plotting]"'
            ) from error
        graph = graphviz.Digraph(node_attr={"fontsize": "12", "shape": "box"})
        for i, step in enumerate(self.steps):
            look = {"style": "filled", "fillcolor": "lightgrey"} if step.kind == "NumPy" else {}
            places = [place for place, _ in _places(step)[:_MANY]]
            graph.node(str(i), "\n".join([f"{i + 1} {step.kind}", step.what, *places]), **look)
        for source, target in self.edges:
            graph.edge(str(source), str(target))
        if filename is not None:
            graph.render(outfile=os.fspath(filename), cleanup=True)
        return graph

    def _summary(self) -> str:
        kinds = [s.kind for s in self.steps]
        parts = [
            _number_of(kinds.count("kernel"), "kernel"),
            _number_of(kinds.count("product"), "product of matrices", "products of matrices"),
            _number_of(kinds.count("loop"), "loop"),
            _number_of(kinds.count("NumPy"), "call of NumPy", "calls of NumPy"),
        ]
        moved = _size(sum([s.bytes_moved for s in self.steps]))
        operations = _count(sum([s.operations for s in self.steps]))
        return (
            f"{', '.join([p for p in parts if p]) or 'nothing to compute'}; {moved} moved, {operations}, "
            f"{_size(self.workspace)} of workspace"
        )


def report(
    name: str,
    signature: str,
    executable: Executable,
    vector_bytes: int,
    notes: Sequence[str] = (),
    by_blas: Callable[[Gemm], bool] | None = None,
) -> Report:
    """The report on a compiled function. ``by_blas`` tells the products that BLAS computes, where that is known."""
    steps: list[ReportedStep] = []
    edges: list[tuple[int, int]] = []
    made: dict[int, int] = {}
    for piece in executable.pieces:
        for step, values in _piece(piece, vector_bytes, by_blas):
            here = len(steps)
            steps.append(step)
            used = {made.get(use_of(x).root.number, here) for value in values for x in value.inputs}
            edges += [(before, here) for before in sorted(used - {here})]
            made |= {value.number: here for value in values}
    workspace = sum([p.program.work for p in executable.pieces if p.program is not None])
    return Report(name, signature, steps, workspace, notes, edges)


_By = Callable[[Gemm], bool] | None


def _piece(piece: Piece, vector_bytes: int, by_blas: _By) -> Iterator[tuple[ReportedStep, Sequence[Value]]]:
    if piece.program is None:
        (value,) = piece.outputs
        moved = sum([x.size * x.dtype.itemsize for x in (*piece.inputs, value)])
        name = f"np.{value.attrs.op.name}"
        yield ReportedStep("NumPy", name, _sources([value]), moved, 0, _reason(value)), [value]
        return
    for step, values in zip(piece.program.steps, piece.origins, strict=True):
        yield _step(step, values, vector_bytes, by_blas), values


def _reason(value: Value) -> str:
    dtypes = sorted({str(x.dtype) for x in (value, *value.inputs) if x.dtype.kind == "c" or x.dtype == np.float16})
    if dtypes:
        return f"kernels don't compute with {' or '.join(dtypes)}"
    return "no kernel is known for this function, or for these arguments of it"


def _step(step: Step, values: Sequence[Value], vector_bytes: int, by_blas: _By) -> ReportedStep:
    if isinstance(step, Call):
        return _kernel(step.kernel, values, vector_bytes)
    if isinstance(step, Gemm):
        size = step.dtype.itemsize
        moved = step.count * size * (step.m * step.k + step.k * step.n + step.m * step.n)
        many = f"{step.count} times " if step.count > 1 else ""
        who = "" if by_blas is None else ", by BLAS" if by_blas(step) else ", own code"
        what = f"{many}({step.m}, {step.k}) @ ({step.k}, {step.n}), {step.dtype}{who}"
        return ReportedStep("product", what, _sources(values), moved, 2 * step.count * step.m * step.n * step.k)
    inner = tuple([_step(s, (), vector_bytes, by_blas) for s in step.steps])
    moved, operations = sum([s.bytes_moved for s in inner]), sum([s.operations for s in inner])
    what = f"{step.count} rounds of {_number_of(len(inner), 'step')}"
    return ReportedStep("loop", what, _sources(values), step.count * moved, step.count * operations, "", inner)


def _kernel(kernel: Kernel, values: Sequence[Value], vector_bytes: int) -> ReportedStep:
    rows = math.prod(kernel.rows)
    operations = 0
    for _, _, in_body, instruction in kernel.numbered():
        if instruction.fn not in ("constant", "index", "load", "store", "gather", "scatter", "cast"):
            operations += rows * (kernel.inner if in_body else 1)
    moved = 0
    for operand in kernel.operands:
        if operand.use != "scratch":
            axes = zip((*kernel.rows, kernel.inner), (*operand.rows, operand.inner), strict=True)
            moved += math.prod([n for n, step in axes if step]) * operand.dtype.itemsize
    space = " × ".join([f"{n:,}" for n in (*kernel.rows, kernel.inner)])
    floats = [op.dtype for op in kernel.operands if op.dtype.kind == "f"] or [op.dtype for op in kernel.operands]
    widest = max(floats, key=lambda d: d.itemsize)
    stages = f" in {len(kernel.stages)} stages" if len(kernel.stages) > 1 else ""
    across = " across rows" if kernel.lanes == "rows" else ""
    wide = f"{widest} by {vector_bytes // widest.itemsize}{across}" if kernel.inner > 1 or across else f"{widest}"
    what = f"{space}{stages}, {wide}: {_names_of(kernel)}"
    return ReportedStep("kernel", what, _sources(values), moved, operations)


def _names_of(kernel: Kernel) -> str:
    """The functions of a kernel, those that cost most first, and how often each."""
    counts: dict[str, int] = {}
    for _, _, _, instruction in kernel.numbered():
        name = instruction.attr if instruction.fn == "reduce" else instruction.fn
        if name == "store":
            name = kernel.operands[instruction.attr[0]].use  # where it combines with what is there
        if name not in ("constant", "index", "load", "write", "scratch", "cast"):
            counts[name] = counts.get(name, 0) + 1
    names = sorted(counts, key=lambda n: (n not in TRANSCENDENTAL, -counts[n], n))
    if not names:
        return "copy" if any([i.fn == "load" for _, _, _, i in kernel.numbered()]) else "fill"
    return ", ".join([n if counts[n] == 1 else f"{counts[n]} {n}" for n in names])


def _sources(values: Iterable[Value]) -> tuple[Source, ...]:
    return tuple(sorted({v.source for v in values if v.source is not None}))


_MANY = 6
"""Lines of the program that are shown of a step."""
_PERIOD = 8
"""Steps of a cycle that is told once, at most."""


def _cycles(steps: Sequence[ReportedStep]) -> Iterator[tuple[int, int, int]]:
    """Runs of steps that repeat themselves: where each begins, how many steps are repeated, and how often they are."""
    i = 0
    while i < len(steps):
        best = 1, 1
        for period in range(1, _PERIOD + 1):
            part, times = steps[i : i + period], 1
            while steps[i + times * period : i + (times + 1) * period] == part:
                times += 1
            if times > 1 and times * period > best[0] * best[1]:
                best = period, times
        yield i, *best
        i += best[0] * best[1]


def _lines(step: ReportedStep, number: str, times: int = 1) -> list[str]:
    """A step in a few lines, the first of which begins with ``number``."""
    often = f"{times} times " if times > 1 else ""
    lines = [f"{number}  {step.kind:<7}  {often}{step.what}"]
    indent = " " * (len(number) + 4)
    work = [f"{_size(step.bytes_moved)} moved", *([_count(step.operations)] if step.operations else [])]
    lines.append(f"{indent}{', '.join(work)}")
    if step.reason:
        lines.append(f"{indent}{step.reason}")
    for inner in step.inner:
        lines += [f"{indent}{line}" for line in _lines(inner, "")]
    places = _places(step)
    lines += [f"{indent}{place}  {text}".rstrip() for place, text in places[:_MANY]]
    if len(places) > _MANY:
        lines.append(f"{indent}and {_number_of(len(places) - _MANY, 'further line')}")
    return lines


def _places(step: ReportedStep) -> list[tuple[str, str]]:
    """Where each line is that a step comes from, and its text; ``∂`` stands for derivatives of it."""
    kinds: dict[tuple[str, int], set[bool]] = {}
    for source in step.sources:
        kinds.setdefault((source.file, source.line), set()).add(source.derivative)
    places = []
    for (file, line), derivatives in kinds.items():
        place = f"{file if file.startswith('<') else os.path.basename(file)}:{line}"  # noqa: PTH119
        if True in derivatives:
            place = f"{place}, ∂" if False in derivatives else f"∂ {place}"
        places.append((place, linecache.getline(file, line).strip()))
    return places


def _count(n: int) -> str:
    """A number of operations.

    >>> _count(1), _count(12_345), _count(60_211_200)
    ('1 operation', '12,345 operations', '60.2 million operations')
    """
    if n < 1_000_000:
        return f"{n:,} {'operation' if n == 1 else 'operations'}"
    return f"{n / 1e6:.1f} million operations" if n < 1_000_000_000 else f"{n / 1e9:.1f} billion operations"


def _number_of(n: int, one: str, many: str | None = None) -> str:
    return "" if n == 0 else f"{n} {one if n == 1 else many or one + 's'}"


def _size(n: int) -> str:
    """A number of bytes as people write it.

    >>> _size(1536), _size(8_000_000)
    ('1.5 kB', '8.0 MB')
    """
    size = float(n)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
