"""Loops and branches while a function is traced: bodies are run once, on symbols, and become blocks of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.compiler.blocks import apply_block
from wengert.compiler.bodies import Body
from wengert.compiler.branches import Branch, While, with_inputs
from wengert.compiler.graph import Graph
from wengert.compiler.replay import apply_values
from wengert.compiler.rounds import Loop
from wengert.compiler.split import residuals_of, subgraph
from wengert.core.dispatch import Box
from wengert.core.trees import flatten
from wengert.errors import TraceError
from wengert.transforms.control import TRACED, alike
from wengert.transforms.forms import Form, kind_of, leaves_of, settled

__all__: list[str] = []

Step = Callable[..., Any]


def _scan(
    step: Step, form: Form, leaves: list[Array], rows: list[Array], count: int, reverse: bool, counts: bool = False
) -> tuple[Tree, Tree]:
    """What ``wg.scan`` gives; ``counts`` says that the only row is a Python number."""
    graph, consts, flag, build = _traced_step(step, form, leaves, rows, counts)
    if any([k.weak for k in form.kinds]) or any([kind_of(x).weak for x in leaves]):
        leaves = _settled(form, leaves)
        graph, consts, flag, build = _traced_step(step, form, leaves, rows, counts)
    n = len(leaves) + flag
    graph, consts = _hoisted(graph, n + len(rows), consts)
    weak = tuple([int if counts and i == n else None for i in range(len(graph.inputs))])
    block = Loop(graph, n, len(rows), count, reverse, weak, flag=n - 1 if flag else None)
    made = apply_block(block, [*leaves, *[np.False_] * flag, *rows, *consts])
    return form.build(made[: len(leaves)]), build(made[n:])


def _traced_step(
    step: Step, form: Form, leaves: Sequence[Array], rows: Sequence[Array], counts: bool
) -> tuple[Graph, list[Any], bool, Callable[[list[Any]], Tree]]:
    """The body's graph, what it captures, whether it carries a flag, and how its results are put together."""
    body = Body()
    with body.open():
        carry = [body.symbol(k.shape, k.dtype, x, _number(k)) for k, x in zip(form.kinds, leaves, strict=True)]
        xs = [body.symbol(np.shape(x)[1:], x.dtype, x, int if counts else None, row=True) for x in rows]
        out, y = step(carry, xs)
        ys, build = leaves_of("scan", "y", y)
        body.graph.outputs = [body.value(v) for v in (*out, *ys)]
        flagged = body.watches
        if flagged:
            before = body.symbol((), bool)
            body.graph.outputs.insert(len(carry), body.flag(before))
        del out, y, ys
        body.close()
    graph = body.graph
    if flagged:  # captured arrays come behind the flag, and that behind the carries
        first = [*graph.inputs[: len(carry)], before._inner, *graph.inputs[len(carry) : len(carry) + len(rows)]]
        graph = subgraph(graph, [*first, *[x for x in graph.inputs if x not in first]], graph.outputs)
    return graph, [c.array for c in body.captures], flagged, build


def _settled(form: Form, leaves: Sequence[Array]) -> list[Array]:
    """The carry, and its form, without Python numbers."""
    form.kinds = [k._replace(weak=False) for k in form.kinds]
    return [settled(x, k) for x, k in zip(leaves, form.kinds, strict=True)]


def _number(kind: Any) -> type | None:
    return {"f": float, "c": complex, "i": int}.get(kind.dtype.kind) if kind.weak else None


def _hoisted(graph: Graph, count: int, consts: list[Any]) -> tuple[Graph, list[Any]]:
    """The body without what is the same in each round: that is computed once, before the loop."""
    kept = residuals_of(graph, graph.inputs[:count], graph.outputs)
    mine = [x for x in kept if x.prim == "input"]
    moved = [x for x in kept if x.prim != "input"]
    fixed = graph.inputs[count:]
    made = apply_values(subgraph(graph, fixed, moved), consts) if moved else []
    arrays = [*[consts[x.attrs - count] for x in mine], *made]
    return subgraph(graph, [*graph.inputs[:count], *mine, *moved], graph.outputs), arrays


def _cond(chosen: Array, runs: Sequence[Step], leaves: Sequence[Array], names: Sequence[str]) -> Tree:
    """What ``wg.cond`` gives for a predicate that is traced."""
    given = [x for x in leaves if isinstance(x, Box | np.ndarray)]
    kinds = [kind_of(x) for x in given]
    graphs: list[Graph] = []
    consts: list[list[Any]] = []
    forms: list[Any] = []
    flags: list[bool] = []
    results: list[list[Array]] = []
    for run in runs:
        body = Body()
        with body.open():
            symbols = [body.symbol(k.shape, k.dtype, x, _number(k)) for k, x in zip(kinds, given, strict=True)]
            inputs = iter(symbols)
            before = [s._inner for s in symbols]
            out = run([next(inputs) if isinstance(x, Box | np.ndarray) else x for x in leaves])
            if any([s._current()._inner is not value for s, value in zip(symbols, before, strict=True)]):
                raise TraceError(
                    "cond: a branch writes to one of its arguments, which are the caller's. Write to a copy, x.copy(), "
                    "and return it."
                )
            if results:
                ys, build = alike(names, results[0], forms[0], out), forms[0]
            else:
                ys, build = flatten(out)
                alike(names, ys, build, out)
            body.graph.outputs = [body.value(y) for y in ys]
            flags.append(body.watches)
            body.graph.outputs.append(body.flag())
            results.append(ys)
            del out
            body.close()
        graphs.append(body.graph)
        forms.append(build)
        consts.append([c.array for c in body.captures])
    arrays = {id(x): x for part in consts for x in part}
    places = {key: len(given) + i for i, key in enumerate(arrays)}
    forms_in = [(k.shape, k.dtype) for k in kinds] + [(np.shape(x), x.dtype) for x in arrays.values()]
    graphs = [
        with_inputs(g, forms_in, [*range(len(given)), *[places[id(x)] for x in part]])
        for g, part in zip(graphs, consts, strict=True)
    ]
    flagged = any(flags)
    if not flagged:
        for g in graphs:
            g.outputs.pop()
    weak = tuple([_number(k) for k in kinds] + [None] * len(arrays))
    block = Branch(
        graphs, weak, _common(results) + [((), np.dtype(bool))] * flagged, len(results[0]) if flagged else None
    )
    made = apply_block(block, [chosen, *given, *arrays.values()])
    built: Tree = forms[0](made[: len(results[0])])
    return built


def _common(results: Sequence[Sequence[Array]]) -> list[tuple[Any, Any]]:
    """Shapes and dtypes that hold what either branch gives: a Python number takes the other's dtype."""
    found = []
    for a, b in zip(*[[kind_of(y) for y in ys] for ys in results], strict=True):
        weak = a.weak == b.weak
        found.append((a.shape, np.result_type(a.dtype, b.dtype) if weak else b.dtype if a.weak else a.dtype))
    return found


def _while(test: Step, step: Step, form: Form, leaves: list[Array]) -> Tree:
    """What ``wg.while_loop`` gives for a condition that is traced."""
    if any([k.weak for k in form.kinds]) or any([kind_of(x).weak for x in leaves]):
        _traced_graph(step, form, leaves)
        leaves = _settled(form, leaves)
    body, mine = _traced_graph(step, form, leaves)
    tested, theirs = _traced_graph(lambda carry: [test(carry)], form, leaves)
    flagged = len(body.outputs) > len(leaves)
    arrays = {id(x): x for x in (*mine, *theirs)}
    n = len(leaves)
    kinds = [*[(k.shape, k.dtype) for k in form.kinds], *[((), np.dtype(bool))] * flagged]
    places = {key: len(kinds) + i for i, key in enumerate(arrays)}
    kinds += [(np.shape(x), x.dtype) for x in arrays.values()]
    tested.outputs = tested.outputs[:1]
    block = While(
        with_inputs(tested, kinds, [*range(n), *[places[id(x)] for x in theirs]]),
        with_inputs(body, kinds, [*range(n), *[places[id(x)] for x in mine]]),
        n + flagged,
        n if flagged else None,
    )
    if flagged:
        _accumulate(block.body, n)
    made = apply_block(block, [*leaves, *[np.False_] * flagged, *arrays.values()])
    return form.build(made[:n])


def _accumulate(graph: Graph, n: int) -> None:
    """Let the flag, output ``n``, stay true once it is."""
    body = Body()
    with body.open():
        given = [body.symbol(x.shape, x.dtype) for x in graph.inputs]
        made = apply_values(graph, given)
        made[n] = np.logical_or(made[n], given[n])
        body.graph.outputs = [body.value(y) for y in made]
    graph.values, graph.inputs, graph.outputs = body.graph.values, body.graph.inputs, body.graph.outputs


def _traced_graph(f: Step, form: Form, leaves: Sequence[Array]) -> tuple[Graph, list[Any]]:
    """The graph of ``f``, which takes and gives leaves of the carry, with a flag if it needs one; what it captures."""
    body = Body()
    with body.open():
        carry = [body.symbol(k.shape, k.dtype, x, _number(k)) for k, x in zip(form.kinds, leaves, strict=True)]
        body.graph.outputs = [body.value(y) for y in f(carry)]
        if body.watches:
            body.graph.outputs.append(body.flag())
        body.close()
    return body.graph, [c.array for c in body.captures]


TRACED.update(scan=_scan, cond=_cond, while_loop=_while)
