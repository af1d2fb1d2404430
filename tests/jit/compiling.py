"""Functions traced and compiled for tests of the compiler's parts."""

import numpy as np

from tests.jit.interpreted import interpreted
from wengert.compiler.executable import compiled
from wengert.compiler.lower import lower
from wengert.compiler.passes import improved
from wengert.compiler.replay import replay
from wengert.compiler.symbolic import Symbolic
from wengert.compiler.trace import Trace
from wengert.core.dispatch import Box, core_of
from wengert.core.trees import flatten


def traced(f, *args):
    """The graph of ``f`` at ``args``, and the arrays that its inputs stand for."""
    trace, arrays = trace_of(f, *args)
    return trace.graph, arrays


def trace_of(f, *args):
    """The trace of ``f`` at ``args``, and the arrays that the inputs of its graph stand for."""
    leaves, build = flatten(args)
    trace = Trace()
    with trace.open():
        out = f(*build([trace.input(x) if isinstance(x, np.ndarray) else x for x in leaves]))
        for y in flatten(out)[0]:
            y = core_of(y._current()) if isinstance(y, Box) else y
            if isinstance(y, Symbolic):
                trace.graph.outputs.append(y._current()._inner)
        y = out = None  # so that what only the trace refers to becomes constant
        trace.close()
    arrays = [x for x in leaves if isinstance(x, np.ndarray)]
    return trace, [*arrays, *[np.asarray(c.array) for c in trace.captures]]


def lowered(f, *args):
    """The primitive graph of ``f``."""
    return lower(traced(f, *args)[0])


def improved_graph(f, *args):
    """The primitive graph of ``f`` after all passes."""
    return improved(lowered(f, *args))


def executable(f, *args, link=interpreted):
    """``f`` compiled for ``args``, and its arrays."""
    graph, arrays = traced(f, *args)
    return compiled(graph, link), arrays


def watched(f, *args, link=interpreted):
    """``f`` compiled with an alarm for what the trace watches, and its arrays."""
    trace, arrays = trace_of(f, *args)
    assert trace.watched
    trace.graph.outputs += trace.watched
    return compiled(trace.graph, link, len(trace.watched)), arrays


def agrees(f, *args, link=interpreted, rtol=1e-12, atol=1e-13):
    """The executable of ``f``, found to give what NumPy gives."""
    graph, arrays = traced(f, *args)
    made = compiled(graph, link)
    before = [a.tobytes() for a in arrays]
    found = made(arrays)
    assert [a.tobytes() for a in arrays] == before
    for y, z in zip(found, replay(graph, arrays), strict=True):
        assert np.shape(y) == np.shape(z)
        assert y.dtype == z.dtype
        np.testing.assert_allclose(y, z, rtol=rtol, atol=atol)
    return made


def steps_of(made):
    """The native steps of an executable."""
    return [step for piece in made.pieces if piece.program is not None for step in piece.program.steps]


def kernels_of(made):
    """The kernels that an executable calls."""
    return [step.kernel for step in steps_of(made) if hasattr(step, "kernel")]


def calls_of_numpy(made):
    """Names of the operations that NumPy computes."""
    return [piece.outputs[0].attrs.op.name for piece in made.pieces if piece.program is None]
