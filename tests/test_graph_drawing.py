"""Drawings of recorded graphs: what they say, and what they refuse."""

import sys

import numpy as np
import pytest

import wengert as wg
from wengert.computational_graph import build_graph
from wengert.errors import InputError


def labels(graph):
    """The label of each node in the drawing's source."""
    found, line = {}, ""
    for part in graph.source.splitlines(keepends=True):
        line += part
        if line.count('"') % 2 == 0:
            if "label=" in line:
                name, _, rest = line.strip().partition(" [label=")
                text = rest.split('"')[1] if rest.startswith('"') else rest.split("]")[0].split(" ")[0]
                found[name.strip('"')] = text
            line = ""
    return found


def edges(graph):
    """Pairs of labels that are connected."""
    named = labels(graph)
    lines = [line.replace('"', "").split(" -> ") for line in graph.source.splitlines() if " -> " in line]
    return sorted((named[a.strip()].split("\n")[0], named[b.strip()].split("\n")[0]) for a, b in lines)


def test_operations_names_and_edges():
    x, y = wg.tensor([1.0, 2.0]), wg.tensor(3.0)
    z = x * y
    graph = build_graph(z, names={"x": x, "y": y, "z": z})
    assert edges(graph) == [("multiply", "z"), ("x", "multiply"), ("y", "multiply")]


def test_an_input_used_twice_has_two_edges_and_one_box():
    x = wg.tensor([1.0, 2.0])
    graph = build_graph(x * x, names={"x": x})
    assert edges(graph).count(("x", "multiply")) == 2
    assert list(labels(graph).values()).count("x") == 1


def test_values_that_are_known_are_shown():
    x = wg.tensor([1.0, 2.0])
    found = labels(build_graph(np.sum(x * x))).values()
    assert "Tensor([1., 2.])" in found
    assert "5.0" in found
    large = labels(build_graph(wg.tensor(np.ones(100)) * 2.0)).values()
    assert "Tensor: float64 (100,)" in large


def test_constants():
    x, k = wg.tensor([1.0, 2.0]), np.array([3.0, 4.0])
    graph = build_graph(x * k + x * k, names={"k": k})
    assert edges(graph).count(("k", "multiply")) == 2
    assert list(labels(graph).values()).count("k\nconstant") == 1
    assert "constant([3., 4.])" in labels(build_graph(x * k)).values()
    c = wg.tensor([3.0, 4.0], constant=True)
    assert "c\nconstant" in labels(build_graph(x * c, names={"c": c})).values()


def test_parameters_of_operations():
    x = wg.tensor(np.ones((2, 3)))
    assert "sum\naxis=1" in labels(build_graph(np.sum(x, axis=1))).values()


def test_shapes_dtypes_statistics():
    x = wg.tensor(np.array([1.0, 2.0, 6.0], np.float32))
    y = x * 2
    graph = build_graph(y, names={"y": y}, dims=True, dtypes=True, sum_stats=True)
    assert "y\nDims: (3,)\nDtype: float32\nMin: 2\nMedian: 4\nMean: 6\nMax: 12" in labels(graph).values()


def test_updates_show_as_they_were_recorded():
    x = wg.tensor([1.0, 2.0, 3.0])
    y = +x
    y[:2] *= 2
    names = {"x": x, "y": y}
    found = labels(build_graph(y.sum(), names=names))
    assert {"x", "y"} <= set(found.values())


def test_constants_leaves_and_cleared_graphs_stand_alone():
    x = wg.tensor([1.0, 2.0])
    assert list(labels(build_graph(x)).values()) == ["Tensor([1., 2.])"]
    assert len(labels(build_graph(wg.tensor(3)))) == 1
    y = (x * x).sum()
    y.backward()
    assert list(labels(build_graph(y)).values()) == ["5.0"]


def test_constants_that_were_computed():
    x = wg.tensor([1.0, 2.0], constant=True)
    assert edges(build_graph(x * 2.0, names={"x": x}))[-1] == ("multiply", "Tensor: float64 (2,)")


def test_names_are_those_of_the_very_tensors():
    x, y = wg.tensor([1.0, 2.0]), wg.tensor([3.0, 4.0])
    assert list(labels(build_graph(y, names={"x": x, "y": y})).values()) == ["y"]
    z = x * 2.0
    handed_out = x.data
    w = x + z
    found = edges(build_graph(w, names={"x": x, "z": z}))
    assert [pair for pair in found if "x" in pair] == [("x", "add"), ("x", "multiply")]
    assert handed_out is x.data


def test_inside_a_transformation():
    drawings = []

    def f(x):
        y = np.sum(np.sin(x))
        drawings.append(build_graph(y, names={"x": x}))
        return y

    wg.grad(f)(np.ones(3))
    wg.grad(lambda x: np.sum(wg.grad(f)(x)))(np.ones(3))
    assert all("sin" in labels(graph).values() for graph in drawings)


def test_long_graphs_are_drawn():
    x = y = wg.tensor(1.0)
    for _ in range(3000):
        y = y * 1.0
    assert len(edges(build_graph(y, names={"x": x}))) == 9000


def test_render_and_save(tmp_path, monkeypatch):
    import graphviz

    x = wg.tensor([1.0, 2.0])
    assert build_graph(x * 2, render=False) is None
    written = []
    monkeypatch.setattr(graphviz.Digraph, "render", lambda self, name, **keywords: written.append(name))
    build_graph(x * 2, save=True)
    assert written == ["computational_graph"]


@pytest.mark.parametrize("bad", [1.0, np.ones(2), None], ids=repr)
def test_only_tensors_are_drawn(bad):
    with pytest.raises(InputError, match="tensor"):
        build_graph(bad)


def test_bad_names():
    with pytest.raises(InputError, match="names"):
        build_graph(wg.tensor(1.0), names=["x"])


def test_without_graphviz_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"wengert\[plotting\]"):
        build_graph(wg.tensor(1.0))
