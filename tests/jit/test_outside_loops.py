"""What is computed before and after a loop instead of in it."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.compiling import agrees, calls_of_numpy, executable
from wengert.compiler.backend import Native

rng = np.random.default_rng(11)


def arrays(*shapes):
    return [rng.normal(size=shape) * 0.5 for shape in shapes]


def bodies(made):
    """The body of each loop of an executable."""
    return [value.attrs.body for value in made.graph.values if value.prim == "loop"]


def prims(graph):
    """What a body consists of."""
    return [value.attrs if value.prim == "map" else value.prim for value in graph.values]


def split(f, *args):
    """The bodies that ``f`` is left with; it computes what it should, by native programs alone."""
    made = agrees(f, *args, rtol=1e-11)
    agrees(f, *args, link=Native, rtol=1e-11)
    assert calls_of_numpy(made) == []
    return bodies(made)


def test_what_is_the_same_in_each_round():
    def f(w, x):
        return wg.scan(lambda c, row: (c + row * np.exp(w), np.exp(w) @ row), w, x)

    (body,) = split(f, *arrays((3, 3), (5, 3)))
    assert "exp" not in prims(body)


@pytest.mark.parametrize("shape", [(5, 3), (5, 1, 3), (5, 2, 3)])
def test_products_of_rows(shape):
    def f(w, x):
        def step(c, row):
            c = np.tanh(row @ w + c)
            return c, c

        return wg.scan(step, np.zeros((*shape[1:-1], 4)), x, reverse=True)

    (body,) = split(f, *arrays((3, 4), shape))
    assert "matmul" not in prims(body)
    assert "mul" not in prims(body)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 3)])
def test_results_that_are_products(shape):
    def f(w, c, x):
        return wg.scan(lambda c, row: (np.sin(c) * row, (c + row) @ w), c, x)

    (body,) = split(f, *arrays((3, 4), shape, (5, *shape)))
    assert "matmul" not in prims(body)
    assert [y.shape for y in body.outputs][2:] in ([(1, 3)], [(2, 3)])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 3)])
def test_gradients_of_weights(shape, reverse):
    """Those of matrices are one product, those of rows of them one sum, after the loop."""

    def f(w, u, b, x):
        def step(c, row):
            c = np.tanh(row @ w + np.sin(c @ u) @ u + b)
            return c, c

        c, cs = wg.scan(step, np.zeros((*shape[:-1], 4)), x, reverse=reverse)
        return np.sum(c) + np.sum(cs**2)

    args = arrays((3, 4), (4, 4), (4,), (5, *shape))
    forward, backward = split(lambda *p: wg.value_and_grad(lambda q: f(*q))(list(p)), *args)
    changed = [x is not y for x, y in zip(backward.inputs, backward.outputs, strict=False)][:4]
    assert prims(forward).count("tanh") == 1
    assert changed.count(True) <= 2  # the carry's, and, for vectors, that of ``b``
    assert prims(backward).count("matmul") == (2 if shape == (2, 3) else 0)


def test_sums_that_the_loop_reads_stay():
    def f(w, x):
        def step(total, row):
            total = total + np.outer(row, row) @ w
            return total, np.sum(total)

        return wg.scan(step, w, x)

    split(f, *arrays((3, 3), (5, 3)))
    split(lambda w, x: wg.scan(lambda t, row: (t + np.outer(row, row) + t, row), w, x), *arrays((3, 3), (5, 3)))
    split(
        lambda w, x: wg.scan(lambda t, row: (t + np.outer(row, row * 2.0) + w @ w, row), w, x), *arrays((3, 3), (5, 3))
    )
    split(lambda w, x: wg.scan(lambda t, row: (t + np.outer(row, t[0]), row), w, x), *arrays((3, 3), (5, 3)))


def test_no_rounds():
    def f(w, x):
        return wg.scan(lambda c, row: (c + np.outer(row, row) @ np.exp(w), row @ w), w, x)

    args = arrays((3, 3), (0, 3))
    split(f, *args)
    made, given = executable(f, *args)
    np.testing.assert_array_equal(made(given)[0], args[0])


def test_cotangents_go_from_loop_to_loop_as_they_are():
    """No flat array is filled with zeros and written to piece by piece."""

    def f(w, x):
        c, cs = wg.scan(lambda c, row: ((c := np.tanh(c * row + w)), c), w, x)
        return np.sum(c * c) + np.sum(np.sin(cs))

    made = agrees(wg.value_and_grad(f), *arrays((3,), (5, 3)), link=Native)
    assert {"update", "join", "packed"}.isdisjoint(value.prim for value in made.graph.values)
