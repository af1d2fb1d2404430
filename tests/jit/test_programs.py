"""Programs, jitted and not: random ones that update arrays in place; common ones, which are to be traced quickly."""

import numpy as np
import pytest

import wengert as wg
from tests.programs import Program, plain
from wengert.compiler.trace import Trace

SEEDS = range(150)


def start(program, seed):
    return np.random.default_rng(seed).normal(size=program.shape)


@pytest.mark.parametrize("seed", SEEDS)
def test_values_of_random_programs(seed):
    program = Program(seed)
    x, plains = start(program, seed), plain(program.shape)
    f = wg.jit(lambda x: program(x, plains))
    expected = program(x.copy(), plains)
    for _ in range(2):
        np.testing.assert_allclose(f(x), expected, rtol=1e-10)
    np.testing.assert_array_equal(x, start(program, seed))
    moved = x + 0.25
    np.testing.assert_allclose(f(moved), program(moved.copy(), plains), rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_derivatives_of_random_programs(seed):
    program = Program(seed)
    x, plains = start(program, seed), plain(program.shape)
    g = wg.value_and_grad(lambda x: program(x, plains))
    value, gradient = g(x)
    for found in (wg.jit(g)(x), wg.value_and_grad(wg.jit(lambda x: program(x, plains)))(x)):
        np.testing.assert_allclose(found[0], value, rtol=1e-10)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("seed", SEEDS[::5])
def test_second_derivatives_of_random_programs(seed):
    program = Program(seed)
    x, plains = start(program, seed), plain(program.shape)
    t = np.cos(x)

    def product(x):
        return wg.hvp(lambda v: program(v, plains), (x,), (t,))

    np.testing.assert_allclose(wg.jit(product)(x), product(x), rtol=1e-8, atol=1e-9)


RNG = np.random.default_rng(0)


def perceptron(params, x, labels):
    for w, b in params[:-1]:
        x = np.maximum(x @ w + b, 0.0)
    w, b = params[-1]
    z = x @ w + b
    z = z - np.max(z, axis=1, keepdims=True)
    logs = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(logs[np.arange(len(labels)), labels])


def recurrent(params, xs, target):
    h = np.zeros((xs.shape[1], params["h"].shape[0]))
    for t in range(xs.shape[0]):
        h = np.tanh(xs[t] @ params["x"] + h @ params["h"] + params["b"])
    return np.sum((h @ params["y"] - target) ** 2)


def normalized(params, x):
    mean = np.mean(x, axis=-1, keepdims=True)
    centred = x - mean
    deviation = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    return np.sum(np.std(params["scale"] * (centred / deviation) + params["shift"], axis=0) ** 2)


def attention(params, x):
    q, k, v = x @ params["q"], x @ params["k"], x @ params["v"]
    scores = np.einsum("bik,bjk->bij", q, k) / 2.0
    mask = np.tril(np.ones(scores.shape[1:], bool))
    scores = np.where(mask, scores, -1e9)
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    y = (weights / np.sum(weights, axis=-1, keepdims=True)) @ v
    return np.sum(np.concatenate([y, x], axis=-1) ** 2) + np.sum(np.stack([q, k]).reshape(-1)[::2])


def normal(*shape):
    return 0.3 * RNG.normal(size=shape)


PROGRAMS = [
    (perceptron, ([(normal(7, 6), normal(6)), (normal(6, 5), normal(5))], normal(4, 7), np.array([0, 2, 4, 1]))),
    (
        recurrent,
        ({"x": normal(3, 5), "h": normal(5, 5), "b": normal(5), "y": normal(5, 2)}, normal(6, 4, 3), normal(4, 2)),
    ),
    (normalized, ({"scale": normal(5), "shift": normal(5)}, normal(4, 5))),
    (attention, ({"q": normal(4, 4), "k": normal(4, 4), "v": normal(4, 4)}, normal(2, 3, 4))),
]


@pytest.mark.parametrize(("f", "args"), PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
@pytest.mark.parametrize(
    "transform", [lambda f: f, wg.value_and_grad, lambda f: wg.grad(lambda *xs: np.sum(f(*xs) ** 2))]
)
def test_common_programs_are_traced_without_examples(f, args, transform, monkeypatch):
    def refused(self, value):
        pytest.fail(f"{value.describe()} was evaluated")

    monkeypatch.setattr(Trace, "example", refused)
    compiled, expected = wg.jit(transform(f))(*args), transform(f)(*args)
    wg.tree_map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), compiled, expected)
