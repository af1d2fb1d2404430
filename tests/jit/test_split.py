"""Joint graphs taken apart."""

import numpy as np
import pytest

from wengert.compiler.bodies import Body, pulled
from wengert.compiler.replay import replay
from wengert.compiler.split import residuals_of, split, subgraph

RNG = np.random.default_rng(0)


def graph_of(f, *examples):
    body = Body()
    with body.open():
        made = f(*[body.symbol(x.shape, x.dtype) for x in examples])
        body.graph.outputs = [body.value(y) for y in made]
        body.freeze()
    return body.graph


def joint_of(f, *examples):
    graph = graph_of(f, *examples)
    joint, flagged = pulled(graph, (True,) * len(examples), (True,) * len(graph.outputs), (None,) * len(examples))
    assert not flagged
    return joint, len(graph.outputs)


FUNCTIONS = [
    (lambda x, w: (np.tanh(x @ w), np.sum(x)), RNG.normal(size=(2, 3)), RNG.normal(size=(3, 3))),
    (lambda x: (np.exp(x) * np.sin(x), x), RNG.normal(size=4)),
    (lambda x: (np.ones(3), np.sum(x) * np.ones(2)), RNG.normal(size=4)),
]


@pytest.mark.parametrize(("f", "xs"), [(f, xs) for f, *xs in FUNCTIONS])
def test_both_parts_give_what_the_joint_graph_gives(f, xs):
    joint, kept = joint_of(f, *xs)
    gs = [RNG.normal(size=y.shape) for y in joint.outputs[:kept]]
    expected = replay(joint, [*xs, *gs])
    forward, backward = split(joint, kept, kept)
    forward.validate()
    backward.validate()
    values = replay(forward, xs)
    found = [*values[:kept], *replay(backward, [*xs, *gs, *values[kept:]])]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b)


def test_the_backward_part_repeats_nothing_but_rearrangements():
    joint, kept = joint_of(*FUNCTIONS[0])
    _, backward = split(joint, kept, kept)
    names = [v.attrs.op.name for v in backward.values if v.prim == "apply"]
    assert "tanh" not in names
    late = joint.inputs[-kept:]
    assert {x.prim for x in residuals_of(joint, late, joint.outputs[kept:])} == {"input", "apply"}


def test_what_shared_inputs_give_is_no_residual():
    x, w = np.ones(3), np.ones(3)
    joint, kept = joint_of(lambda x, w: (np.exp(w) * x,), x, w)
    late, outputs = joint.inputs[-kept:], joint.outputs[kept:]
    alone = residuals_of(joint, late, outputs)
    shared = residuals_of(joint, late, outputs, [joint.inputs[1]])
    assert [v.attrs.op.name for v in alone if v.prim == "apply"] == ["exp"]
    assert all([v.prim == "input" for v in shared])


def test_subgraph_computes_from_values_in_the_middle():
    graph = graph_of(lambda x: (np.cos(np.sin(x) + 1.0),), np.ones(2))
    middle = next(v for v in graph.values if v.prim == "apply" and v.attrs.op.name == "sin")
    part = subgraph(graph, [middle], graph.outputs)
    assert len(part.inputs) == 1
    np.testing.assert_allclose(replay(part, [np.array([1.0, 2.0])])[0], np.cos([2.0, 3.0]))
