"""Bodies of loops as functions of numbers."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.compiling import agrees, calls_of_numpy
from wengert.compiler.backend import Native

rng = np.random.default_rng(3)


def body_of(f, *args):
    """The body of the only loop of ``f``, which computes what NumPy computes."""
    made = agrees(f, *args, rtol=1e-11)
    agrees(f, *args, link=Native, rtol=1e-11)
    assert calls_of_numpy(made) == []
    (loop,) = [v for v in made.graph.values if v.prim == "loop"]
    return loop.attrs.body


def sizes(graph):
    """The sizes of what is computed."""
    return {v.size for v in graph.values if v.prim in ("map", "reduce")}


def system(y, h=0.01):
    def slope(y):
        a, b, c = y[0], y[1], y[2]
        return np.stack([10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3 * c])

    middle = y + h / 2 * slope(y)
    return y + h * slope(middle)


def test_a_small_system():
    def f(y):
        return wg.scan(lambda y, _: (system(y), y), y, None, length=20)

    y = np.array([1.0, 2.0, 3.0])
    assert sizes(body_of(f, y)) == {1}
    agrees(wg.value_and_grad(lambda y: np.sum(f(y)[1])), y, link=Native, rtol=1e-10)
    agrees(lambda y: wg.jvp(lambda y: f(y)[0], (y,), (y,)), y, rtol=1e-10)


@pytest.mark.parametrize("reduction", [np.sum, np.prod, np.max, np.min])
def test_reductions(reduction):
    def f(x, rows):
        def step(x, row):
            x = np.concatenate([x[:, 1:], row[:, None]], axis=1)
            return x, (reduction(x, axis=0), reduction(x, axis=1), reduction(x))

        return wg.scan(step, x, rows)

    assert sizes(body_of(f, rng.normal(size=(2, 2)), rng.normal(size=(5, 2)))) <= {1}


def test_updates_positions_and_kinds_of_numbers():
    def f(x, rows):
        def step(carry, row):
            x, n = carry
            y = x.copy()
            y[1, ::-1] = row
            y[:, 0] += n
            known = np.any(y > 0.5, axis=0) | np.all(y < 0, axis=0)
            lower = np.tril(y)
            return (lower.T * 0.5 + x, n + 1), (known, y.astype(np.float32), np.where(known, y, x)[::-1])

        return wg.scan(step, (x, 0), rows)

    assert sizes(body_of(f, rng.normal(size=(2, 2)), rng.normal(size=(5, 2)))) <= {1}


def test_larger_arrays_stay():
    def f(x, rows):
        return wg.scan(lambda x, row: (np.concatenate([x[1:], row]) * 2.0, x), x, rows)

    assert 5 in sizes(body_of(f, rng.normal(size=5), rng.normal(size=(4, 1))))
    assert sizes(body_of(f, rng.normal(size=4), rng.normal(size=(4, 1)))) == {1}
    product = body_of(
        lambda x, rows: wg.scan(lambda x, row: (x * row, x), x, rows), rng.normal(size=2), rng.normal(size=(3, 2))
    )
    assert sizes(product) == {2}
