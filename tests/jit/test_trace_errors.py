"""What a jitted function asks of values that it can't have: errors that name the line and the remedy."""

import copy
import math
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert.errors import TraceError

X = np.array([0.5, -1.0, 2.0])


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: x if x[0] > 0 else -x, r"np\.where\(condition, a, b\)"),
        (lambda x: x[0] > 0 and x[1] > 0, r"combine conditions with & and \|"),
        (lambda x: bool(x[0]), r"wg\.cond"),
        (lambda x: float(x[0]), r"float\(\) needs the value"),
        (lambda x: math.sin(x[0]), r"float\(\) needs the value"),
        (lambda x: int(x[0]), r"int\(\) needs the value"),
        (lambda x: complex(x[0]), r"complex\(\) needs the value"),
        (lambda x: x.tolist(), r"tolist\(\) needs the value"),
        (lambda x: x[0].item(), r"item\(\) needs the value"),
        (lambda x: list(range(np.argmax(x))), r"pass it as a Python int"),
        (lambda x: [1, 2, 3][np.argmax(x)], r"use as an index"),
        (lambda x: np.asarray(x), r"np\.asarray needs the value"),
        (lambda x: np.array([x[0], 1.0]), r"np\.asarray needs the value|float\(\) needs the value"),
        (lambda x: np.ones(3)[np.argmax(x)], r"wg\.tensor\(array\)"),
        (lambda x: x[x > 0], r"np\.where\(mask, x, other\)"),
        (lambda x: np.nonzero(x), r"depends on the values"),
        (lambda x: np.flatnonzero(x), r"depends on the values"),
        (lambda x: np.argwhere(x), r"depends on the values"),
        (lambda x: np.unique(x), r"np\.unique needs the value"),
        (lambda x: x.data, r"x\.data needs the value"),
        (lambda x: pickle.dumps(x), r"pickle needs the value"),
        (lambda x: 0.5 in x, r"if, while"),
        (lambda x: sorted(x), r"if, while"),
        (lambda x: max(x[0], x[1]), r"if, while"),
        (lambda x: np.histogram(x, 3), r"without explicit edges or a range"),
        (lambda x: np.allclose(x, 1.0) and x, r"if, while"),
    ],
)
def test_values_that_are_not_known(f, remedy):
    with pytest.raises(TraceError, match=remedy) as caught:
        wg.jit(f)(X)
    assert "test_trace_errors.py, line" in str(caught.value)


def test_the_line_is_the_persons():
    def f(x):
        y = np.sin(x)
        if np.sum(y) > 0:
            return y
        return -y

    line = f.__code__.co_firstlineno + 2
    with pytest.raises(TraceError, match=rf"test_trace_errors\.py, line {line}, in f\)"):
        wg.jit(wg.value_and_grad(lambda x: np.sum(f(x))))(X)


def test_what_is_kept_after_tracing():
    kept = []
    wg.jit(lambda x: kept.append(x) or x)(X)
    with pytest.raises(TraceError, match=r"outside the function that wg\.jit was tracing"):
        np.sin(kept[0])
    with pytest.raises(TraceError):
        kept[0] + 1.0
    assert "Symbolic" in repr(kept[0])
    assert f"{kept[0]}".startswith("Symbolic")


def test_backward_while_tracing():
    def f(x):
        t = wg.tensor(x)
        np.sum(t * t).backward()
        return t.grad

    with pytest.raises(TraceError, match=r"backward\(\) while a function is being compiled.*wg\.value_and_grad"):
        wg.jit(f)(X)


def test_what_does_work():
    def f(x, i):
        mask = x > 0
        y = x.copy()
        y[mask] = 0.0
        y[i] += 1.0
        z = np.exp(x, where=mask, out=np.zeros_like(x)) + np.sum(x, where=mask)
        np.copyto(y, z, where=~mask)
        w = copy.copy(x)
        w[np.argmax(x)] = 9.0
        np.putmask(w, mask, [1.0, 2.0])
        v = np.ones((3, 2)) * x[:, None]
        v[mask] = [5.0, 6.0]
        return y, z, len(x), x.shape, x[np.argsort(x)], w, np.isfinite(x).all() & True, x == None, v  # noqa: E711

    jitted, i = wg.jit(f), np.array([0, 2])
    for x in (X, -X):
        for found, expected in zip(jitted(x, i), f(x, i), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-15)
    g = wg.jit(wg.grad(lambda x: np.sum(f(x, i)[0] * f(x, i)[5])))
    np.testing.assert_array_equal(g(X), wg.grad(lambda x: np.sum(f(x, i)[0] * f(x, i)[5]))(X))


def test_positions_beyond_the_end():
    f = wg.jit(lambda x, i: x[i])
    with pytest.raises(IndexError):
        f(X, np.array([0, 3]))
    np.testing.assert_array_equal(f(X, np.array([0, 2])), X[[0, 2]])
    with pytest.raises(IndexError):
        f(X, np.array([0, -4]))
