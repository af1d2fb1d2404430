"""Where the time goes: operations, their derivatives and the steps of compiled functions, by lines of the program."""

from __future__ import annotations

import linecache
import os
import sys
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from wengert._types import PLAIN, Array, Params
from wengert.compiler.executable import Executable
from wengert.compiler.explain import ReportedStep
from wengert.compiler.lowered import explain
from wengert.compiler.timing import StepTimer
from wengert.core import modes
from wengert.core.dispatch import Box
from wengert.core.op import Op
from wengert.core.tape import Node
from wengert.transforms.arguments import name_of

__all__ = ["Profile", "Row", "profile"]

Line = tuple[str, int]


class Row(NamedTuple):
    """What was measured of one operation on one line.

    ``kind`` is ``"forward"`` or ``"backward"`` for an operation of eager code; ``"kernel"``, ``"product"``, ``"loop"``
    or ``"NumPy"`` for a step of a compiled function; ``"call"`` for what calling a compiled function costs besides, and
    ``"compile"`` for a call that compiled it. ``lines`` are pairs of file and number.
    """

    kind: str
    what: str
    lines: tuple[Line, ...]
    calls: int
    seconds: float


class Profile:
    """What :func:`wengert.profile` has measured. ``str`` of it is a table; ``rows`` are its rows, the slowest first.

    ``seconds`` is how long the context lasted, without what measuring itself took.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.busy = False
        self._found: dict[tuple[str, str, tuple[Line, ...]], list[float]] = {}
        self._recorded: list[tuple[int, str, tuple[Line, ...]]] = []
        self._pulled: tuple[Op, tuple[Line, ...], float] | None = None
        self._forms: dict[int, tuple[Any, StepTimer, tuple[ReportedStep, ...]]] = {}
        self._sweeping = False
        self._own = 0.0
        self._start = perf_counter()

    @property
    def rows(self) -> tuple[Row, ...]:
        """One for each operation and line, those that took longest first."""
        rows = [Row(*key, int(calls), seconds) for key, (calls, seconds) in self._found.items()]
        return tuple(sorted(rows, key=lambda row: -row.seconds))

    def __repr__(self) -> str:
        return f"<Profile of {_time(self.seconds)}: {len(self._found)} rows>"

    def __str__(self) -> str:
        rows = self.rows
        total = sum([row.seconds for row in rows])
        table = [("time", "share", "calls", "each", "operation", "line")]
        for row in rows:
            share = f"{100 * row.seconds / total:.1f} %" if total else ""
            each = _time(row.seconds / row.calls)
            table.append((_time(row.seconds), share, f"{row.calls}", each, _label(row), _where(row.lines)))
        widths = [max([len(cells[i]) for cells in table]) for i in range(5)]
        lines = []
        for cells in table:
            numbers = [cell.rjust(width) for cell, width in zip(cells[:4], widths, strict=False)]
            lines.append("  ".join([*numbers, cells[4].ljust(widths[4]), cells[5]]).rstrip())
        return "\n".join([*lines, f"{_time(total)} in these operations; the context lasted {_time(self.seconds)}"])

    # What the engine calls ------------------------------------------------------------------------------------------

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Whether an operation on ``arrays`` is computed here and now, and is to be measured by itself."""
        return not self.busy and self._pulled is None and all([type(x) in PLAIN for x in arrays])

    def operation(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        """``op(*arrays, **params)``, measured."""
        start = perf_counter()
        y = op.fun(*arrays, **params)
        end = perf_counter()
        lines = _here()
        self._add("forward", op.name, lines, end - start)
        self._recorded.append((modes.next_number(), op.name, lines))
        self._own += perf_counter() - end
        return y

    @property
    def is_idle(self) -> bool:
        """Whether a sweep that begins now is no part of something that is measured as a whole."""
        return not (self.busy or self._sweeping)

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """During a sweep, also one that fails."""
        self._sweeping = True
        try:
            yield
        finally:
            self.pull(None)
            self._sweeping = False

    def followed(self, order: list[Node]) -> list[Node]:
        """``order``, for a sweep to go back over; how long it takes with each node is measured."""
        return order if self.busy or self._pulled is not None else _Followed(order, self)

    def pull(self, node: Node | None) -> None:
        """The sweep is done with the last node, and begins with this one."""
        now = perf_counter()
        if self._pulled is not None:
            op, lines, start = self._pulled
            self._add("backward", op.name, lines, now - start)
            self._pulled = None
        if node is not None and node.op is not None:
            lines = self._lines_of(node)
            after = perf_counter()
            self._own += after - now
            self._pulled = node.op, lines, after

    def jitted(self, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a jitted function: as it is, and then once more step by step."""
        known = f._compilations
        self.busy = True
        try:
            start = perf_counter()
            result = f(*args, **kwargs)
            end = perf_counter()
            lines, name = _here(), name_of(f)
            if f._compilations > known:
                self._add("compile", name, lines, end - start)
            else:
                inside = self._steps(f, args, kwargs)
                self._add("call", name, lines, max(0.0, end - start - inside))
            self._own += perf_counter() - end
        finally:
            self.busy = False
        return result

    # ----------------------------------------------------------------------------------------------------------------

    def _steps(self, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
        """Measure the steps of the form that such a call runs; the seconds of all of them."""
        call, compiled = f._form_for(args, kwargs)
        captured = [capture.array for capture in compiled.captures]
        if not isinstance(compiled.run, Executable) or call.boxed or any([isinstance(x, Box) for x in captured]):
            return 0.0
        if id(compiled) not in self._forms:
            steps = explain(f, args, kwargs, compiled).steps
            self._forms[id(compiled)] = compiled, StepTimer(compiled.run), steps
        _, timer, steps = self._forms[id(compiled)]
        times = timer.seconds([*call.arrays, *captured])
        for step, seconds in zip(steps, times, strict=True):
            lines = dict.fromkeys([(source.file, source.line) for source in step.sources])
            self._add(step.kind, step.what, tuple(lines), seconds)
        return sum(times)

    def _add(self, kind: str, what: str, lines: tuple[Line, ...], seconds: float) -> None:
        row = self._found.setdefault((kind, what, lines), [0, 0.0])
        row[0] += 1
        row[1] += seconds

    def _lines_of(self, node: Node) -> tuple[Line, ...]:
        """Where ``node`` was recorded: its number comes right after that of its operation."""
        i = bisect(self._recorded, node.number, key=lambda recorded: recorded[0])
        if i and node.op is not None and self._recorded[i - 1][1] == node.op.name:
            return self._recorded[i - 1][2]
        return ()

    def _end(self) -> None:
        self.pull(None)
        self.seconds = max(0.0, perf_counter() - self._start - self._own)
        self._recorded.clear()
        self._forms.clear()


@contextmanager
def profile() -> Iterator[Profile]:
    """Measure, within this context, how long operations take, and on which lines: a table to print.

    Of eager code, each operation that takes part in a derivative or is done on tensors has a row for computing it, and
    one for going back through it (``∂``). Of a jitted function, each step has one: kernels, products of matrices, what
    is left to NumPy. These are run twice, the second time step by step. Times of single steps are good to about a
    microsecond. What other threads do isn't measured.

    >>> import numpy as np, wengert as wg
    >>> with wg.profile() as p:
    ...     g = wg.grad(lambda x: np.sum(np.exp(x)))(np.ones(1000))
    >>> sorted((row.kind, row.what) for row in p.rows)
    [('backward', 'exp'), ('backward', 'sum'), ('forward', 'exp'), ('forward', 'sum')]
    >>> print(p)  # doctest: +ELLIPSIS
       time   share  calls     each  operation  line
    ...
    """
    made = Profile()
    token = modes.enter_profile(made)
    try:
        yield made
    finally:
        modes.leave_profile(token)
        made._end()


class _Followed(list[Node]):
    """Nodes that a sweep takes from the end; the profile is told."""

    def __init__(self, order: list[Node], told: Profile) -> None:
        super().__init__(order)
        self._told = told

    def pop(self, index: SupportsIndex = -1) -> Node:
        """The last node, which is taken off."""
        node = super().pop(index)
        self._told.pull(node)
        return node

    def __len__(self) -> int:
        length = super().__len__()
        if not length:  # what asks is the end of the sweep's loop
            self._told.pull(None)
        return length

    def __reversed__(self) -> Iterator[Node]:
        for node in super().__reversed__():
            self._told.pull(node)
            yield node
        self._told.pull(None)

    def copy(self) -> _Followed:
        """The same nodes once more."""
        return _Followed(self, self._told)


_OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - file names are compared with it
_NUMPY = os.path.dirname(np.__file__) + os.sep  # noqa: PTH120
_CUT = 48
"""Characters of a label."""


def _here() -> tuple[Line, ...]:
    """The line of the person's program that is being run."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OURS, _NUMPY)) and frame.f_globals.get("__name__") is not None:
            return ((name, frame.f_lineno),)
        frame = frame.f_back
    return ()


def _label(row: Row) -> str:
    if row.kind == "forward":
        return row.what
    if row.kind == "backward":
        return f"∂ {row.what}"
    label = f"{row.kind} {row.what}"
    return label if len(label) <= _CUT else f"{label[: _CUT - 1]}…"


def _where(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    (file, number), *others = lines
    text = linecache.getline(file, number).strip()
    more = f" and {len(others)} more" if others else ""
    name = file if file.startswith("<") else os.path.basename(file)  # noqa: PTH119
    return f"{name}:{number}{more}  {text}".rstrip()


def _time(seconds: float) -> str:
    """Seconds as people write them.

    >>> _time(1.5), _time(0.0123), _time(4.56e-5)
    ('1.50 s', '12.3 ms', '45.6 µs')
    """
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            amount = seconds / scale
            return f"{amount:.{2 if amount < 10 else 1 if amount < 100 else 0}f} {unit}"
    return f"{seconds * 1e6:.1f} µs"
