"""Formulas that overflow or lose digits as they are written: compiled, they and their gradients do neither."""

import mpmath
import numpy as np
import pytest
from scipy.special import logsumexp

import wengert as wg
from tests.jit.compiling import agrees, executable, lowered, traced
from wengert.compiler.graph import live_values
from wengert.compiler.replay import replay
from wengert.compiler.stable import stabilised

RNG = np.random.default_rng(1964)
POINTS = [-800.0, -100.0, -40.0, -3.0, -1.0, -1e-3, -1e-12, 0.0, 1e-12, 1e-3, 0.5, 1.0, 3.0, 40.0, 100.0, 800.0]
ROWS = np.array([
    [800.0, -800.0, 0.0, 799.0], [1000.0, 999.0, 998.0, -1000.0], [1e-12, -1e-12, 0.0, 1e-6],
    [-1000.0, -1001.0, -5000.0, -1000.0], [0.3, -1.2, 2.0, 0.3],
])  # fmt: skip
WEIGHTS = np.array([
    [1.0, 2.0, -3.0, 0.5], [0.1, 7.0, -1.0, 2.0], [1.0, -1.0, 0.25, 3.0], [2.0, 1.0, 1.0, -1.0], [1.5, 0.0, -2.0, 1.0],
])  # fmt: skip
TOLERANCE = {np.float64: 3e-15, np.float32: 2e-6}


def results(f, *args):
    """What ``f`` compiled gives, with the passes."""
    made, arrays = executable(f, *args)
    return made(arrays)


def nodes(f, *args):
    """The primitives of ``f`` after the pass: how often each function or other primitive is used."""
    graph = stabilised(lowered(f, *args))
    live = live_values(graph)
    names = [x.attrs if x.prim == "map" else x.attrs[0] if x.prim == "reduce" else x.prim
             for x in graph.values if x.number in live]  # fmt: skip
    return {name: names.count(name) for name in names}


def close(found, expected, dtype, where="", atol=0.0):
    """Near ``expected``, numbers of mpmath's, but for what is too small to be told from zero."""
    expected = np.array([float(y) for y in np.ravel(expected)]).reshape(np.shape(found))
    tiny = 4 * float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=max(atol, tiny), err_msg=where)


# Functions of each element: as written, exactly, and the exact derivative


def sig(x):
    return 1 / (1 + mpmath.exp(-x))


def slope(x):
    return sig(x) * sig(-x)


def softplus(x):
    return mpmath.log(1 + mpmath.exp(x))


ELEMENTWISE = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), sig, slope),
    "sigmoid by exp": (lambda x: np.exp(x) / (1 + np.exp(x)), sig, slope),
    "sigmoid by one exp": (lambda x: (lambda e: e / (e + 1))(np.exp(x)), sig, slope),
    "sigmoid by reciprocal": (lambda x: np.reciprocal(1 + np.exp(-x)), sig, slope),
    "sigmoid by power": (lambda x: (1 + np.exp(-x)) ** -1.0, sig, slope),
    "sigmoid by tanh": (lambda x: (np.tanh(x / 2) + 1) / 2, sig, slope),
    "sigmoid by half tanh": (lambda x: 0.5 + 0.5 * np.tanh(0.5 * x), sig, slope),
    "sigmoid of the sign": (
        lambda x: np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x))), sig, slope,
    ),
    "one less sigmoid": (lambda x: 1 - 1 / (1 + np.exp(-x)), lambda x: sig(-x), lambda x: -slope(x)),
    "one less tanh": (lambda x: 1 - np.tanh(x), lambda x: 2 * sig(-2 * x), lambda x: -4 * slope(2 * x)),
    "slope of the sigmoid": (
        lambda x: (lambda y: y * (1 - y))(1 / (1 + np.exp(-x))), slope, lambda x: slope(x) * (sig(-x) - sig(x)),
    ),
    "softplus": (lambda x: np.log(1 + np.exp(x)), softplus, sig),
    "softplus of the opposite": (lambda x: np.log(1 + np.exp(-x)), lambda x: softplus(-x), lambda x: -sig(-x)),
    "softplus by log1p": (lambda x: np.log1p(np.exp(x)), softplus, sig),
    "softplus by logaddexp": (lambda x: np.logaddexp(x, 0.0), softplus, sig),
    "softplus by logaddexp of zero": (lambda x: np.logaddexp(0.0, x), softplus, sig),
    "log of sigmoid": (lambda x: np.log(1 / (1 + np.exp(-x))), lambda x: -softplus(-x), lambda x: sig(-x)),
    "log of a quotient": (
        lambda x: np.log(np.exp(x) / (1 + np.exp(x))), lambda x: -softplus(-x), lambda x: sig(-x),
    ),
    "log of one less sigmoid": (
        lambda x: np.log(1 - 1 / (1 + np.exp(-x))), lambda x: -softplus(x), lambda x: -sig(x),
    ),
    "log of exp": (lambda x: np.log(np.exp(x)), lambda x: x, lambda x: mpmath.mpf(1)),
    "log1p of expm1": (lambda x: np.log1p(np.expm1(x)), lambda x: x, lambda x: mpmath.mpf(1)),
    "tanh": (
        lambda x: (np.exp(x) - 1) / (np.exp(x) + 1), lambda x: mpmath.tanh(x / 2), lambda x: 2 * slope(x),
    ),
    "tanh by falling exponentials": (
        lambda x: (lambda e: (1 - e) / (1 + e))(np.exp(-x)), lambda x: mpmath.tanh(x / 2), lambda x: 2 * slope(x),
    ),
    "swish": (lambda x: x / (1 + np.exp(-x)), lambda x: x * sig(x), lambda x: sig(x) + x * slope(x)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_functions_of_each_element_are_right_everywhere(name, dtype):
    written, exact, derivative = ELEMENTWISE[name]
    x = np.array(POINTS, dtype)
    weight = np.linspace(0.5, 3, x.size).astype(dtype)
    y = results(written, x)[0]
    _, g = results(wg.value_and_grad(lambda x, w: np.sum(w * written(x))), x, weight)[:2]
    assert y.dtype == g.dtype == dtype
    with mpmath.workdps(800):
        close(y, [exact(mpmath.mpf(float(a))) for a in x], dtype, "value")
        slopes = [mpmath.mpf(float(w)) * derivative(mpmath.mpf(float(a))) for w, a in zip(weight, x, strict=True)]
        cancels = name in ("swish", "slope of the sigmoid")  # to zero, at some point
        close(g, slopes, dtype, "gradient", 8 * np.finfo(dtype).eps if cancels else 0.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_small_differences_keep_their_digits(dtype):
    x = np.array([-1e-12, -1e-5, 1e-30, 1e-12, 1e-5, 0.3], dtype)
    with mpmath.workdps(60):
        close(results(lambda x: np.exp(x) - 1, x)[0], [mpmath.expm1(float(a)) for a in x], dtype)
        close(results(lambda x: 1 - np.exp(-x), x)[0], [-mpmath.expm1(-float(a)) for a in x], dtype)
        close(results(lambda x: np.log(1 + x), x)[0], [mpmath.log1p(float(a)) for a in x], dtype)
        close(results(lambda x: np.log(1 - x), x)[0], [mpmath.log1p(-float(a)) for a in x], dtype)
        _, g = results(wg.value_and_grad(lambda x: np.sum((np.exp(x) - 1) ** 2)), x)[:2]
        close(g, [2 * mpmath.exp(float(a)) * mpmath.expm1(float(a)) for a in x], dtype)


def test_second_derivatives_are_right_far_from_zero():
    x = np.array([-800.0, -30.0, -1.0, 2.0, 30.0, 800.0])
    inner = wg.grad(lambda x: np.sum(1 / (1 + np.exp(-x))))
    g = results(wg.grad(lambda x: np.sum(inner(x))), x)[0]
    with mpmath.workdps(800):
        exact = [slope(mpmath.mpf(a)) * (sig(-mpmath.mpf(a)) - sig(mpmath.mpf(a))) for a in x]
        np.testing.assert_allclose(g, [float(y) for y in exact], rtol=1e-13, atol=1e-300)


def test_a_sigmoid_and_its_gradient_take_one_exponential():
    counts = nodes(wg.value_and_grad(lambda x: np.sum(1 / (1 + np.exp(-x)))), RNG.normal(size=5))
    assert counts["exp"] == counts["div"] == 1
    counts = nodes(wg.value_and_grad(lambda x: np.sum(np.log(1 + np.exp(-x)))), RNG.normal(size=5))
    assert counts["exp"] == counts["div"] == counts["log1p"] == 1
    assert nodes(lambda x: 1 / (1 + np.exp(-x)), RNG.normal(size=5))["sigmoid"] == 1


# Rows


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_unshifted(x, axis=-1):
    e = np.exp(x)
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    u = x - np.max(x, axis=axis, keepdims=True)
    return u - np.log(np.sum(np.exp(u), axis=axis, keepdims=True))


def softmax_with_a_guard(x, axis=-1):
    m = np.max(x, axis=axis, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(m), m, 0.0))
    return e / np.sum(e, axis=axis, keepdims=True)


def exact_softmax(row):
    e = [mpmath.exp(mpmath.mpf(float(a))) for a in row]
    return [a / sum(e) for a in e]


def softmax_gradient(row, w):
    y = exact_softmax(row)
    mean = sum([a * b for a, b in zip(w, y, strict=True)])
    return [b * (a - mean) for a, b in zip(w, y, strict=True)]


SHARES = {
    "shifted": softmax, "unshifted": softmax_unshifted, "guarded": softmax_with_a_guard,
    "of a difference": lambda x: np.exp(log_softmax(x)),
}  # fmt: skip
LOGARITHMS = {
    "difference": log_softmax, "log of softmax": lambda x: np.log(softmax(x)),
    "log of unshifted": lambda x: np.log(softmax_unshifted(x)),
    "less logsumexp": lambda x: x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True)),
}  # fmt: skip


def near(found, expected, dtype):
    """Within rounding of the largest number of the row, of 60 places, where terms cancel."""
    expected = np.array([[float(y) for y in row] for row in expected])
    scale = np.maximum(np.abs(expected).max(-1, keepdims=True), 1.0)
    np.testing.assert_array_less(np.abs(found - expected) / scale, 4 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["shifted", "unshifted", "guarded"])
def test_softmax(name, dtype):
    x, w = ROWS.astype(dtype), WEIGHTS.astype(dtype)
    y = results(SHARES[name], x)[0]
    _, g = results(wg.value_and_grad(lambda x, w: np.sum(w * SHARES[name](x))), x, w)[:2]
    with mpmath.workdps(60):
        close(y, [exact_softmax(row) for row in x], dtype)
        near(g, [softmax_gradient(row, [float(a) for a in v]) for row, v in zip(x, w, strict=True)], dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LOGARITHMS)
def test_log_softmax(name, dtype):
    x, w = ROWS.astype(dtype), WEIGHTS.astype(dtype)
    y = results(LOGARITHMS[name], x)[0]
    _, g = results(wg.value_and_grad(lambda x, w: np.sum(w * LOGARITHMS[name](x))), x, w)[:2]
    with mpmath.workdps(3000):
        near(y, [[mpmath.log(a) for a in exact_softmax(row)] for row in x], dtype)
        exact = [[float(a) - float(v.sum()) * b for a, b in zip(v, exact_softmax(row), strict=True)]
                 for row, v in zip(x, w.astype(float), strict=True)]  # fmt: skip
        near(g, exact, dtype)


LOG_SUMS = {
    "kept": lambda x: np.log(np.sum(np.exp(x), axis=-1, keepdims=True))[:, 0],
    "dropped": lambda x: np.log(np.exp(x).sum(1)),
    "mean": lambda x: np.log(np.mean(np.exp(x), axis=1)) + np.log(4.0),
    "shifted": lambda x: (lambda m: np.log(np.sum(np.exp(x - m), axis=1)) + m[:, 0])(x.max(1, keepdims=True)),
    "by name of an axis": lambda x: (lambda m: np.log(np.exp(x - m[:, None]).sum(1)) + m)(x.max(1)),
    "across": lambda x: np.log(np.sum(np.exp(x.T), axis=0)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LOG_SUMS)
def test_logarithms_of_sums_of_exponentials(name, dtype):
    x, w = ROWS.astype(dtype), WEIGHTS[:, 0].astype(dtype)
    y, g = [results(f, x, w)[i] for i, f in enumerate((
        lambda x, w: LOG_SUMS[name](x), wg.value_and_grad(lambda x, w: np.sum(w * LOG_SUMS[name](x))),
    ))]  # fmt: skip
    np.testing.assert_allclose(y, logsumexp(x.astype(float), axis=1), rtol=2 * TOLERANCE[dtype], atol=1e-30)
    with mpmath.workdps(60):
        near(g, [[float(v) * b for b in exact_softmax(row)] for row, v in zip(x, w, strict=True)], dtype)


def test_logarithms_of_sums_over_all_axes():
    x = ROWS * 0.9
    y, g = results(wg.value_and_grad(lambda x: np.log(np.sum(np.exp(x)))), x)[:2]
    np.testing.assert_allclose(y, logsumexp(x))
    e = np.exp(x - x.max())
    np.testing.assert_allclose(g, e / e.sum(), rtol=1e-14)


def test_infinite_and_missing_rows():
    x = np.array([[-np.inf, -np.inf], [np.inf, 0.0], [np.inf, -np.inf], [np.nan, 0.0], [-np.inf, 5.0]])
    expected = np.array([-np.inf, np.inf, np.inf, np.nan, 5.0])
    np.testing.assert_array_equal(results(LOG_SUMS["dropped"], x)[0], expected)
    np.testing.assert_array_equal(logsumexp(x, axis=1), expected)
    for share in (softmax, softmax_unshifted):
        y, g = results(wg.value_and_grad(lambda x, w, f=share: np.sum(w * f(x))), x, np.ones((5, 2)))[:2]
        assert np.isnan(y)
        np.testing.assert_array_equal(np.isnan(g).all(1), [True, True, True, True, False])
        np.testing.assert_array_equal(g[4], [0.0, 0.0])


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_the_maximum_is_not_differentiated(axis):
    x, w = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4))
    for f in (softmax, log_softmax):
        program = wg.value_and_grad(lambda x, w, f=f: np.sum(w * f(x, axis)))
        counts = nodes(program, x, w)
        assert counts["exp"] == counts["max"] == 1
        assert "eq" not in counts
        agrees(program, x, w, rtol=1e-11, atol=1e-13)


def test_the_loss_of_a_classifier_takes_one_exponential():
    x, labels = RNG.normal(size=(5, 4)), np.array([0, 3, 3, 1, 2])
    for f in (log_softmax, LOGARITHMS["log of softmax"], LOGARITHMS["log of unshifted"]):
        program = wg.value_and_grad(lambda x, f=f: -np.mean(f(x)[np.arange(5), labels]))
        counts = nodes(program, x)
        assert counts["exp"] == counts["max"] == counts["log"] == 1
        assert "eq" not in counts
        agrees(program, x, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("share", [softmax, softmax_unshifted])
def test_logarithms_of_the_shares_that_labels_name(share):
    labels = np.array([1, 3, 0, 2, 1])
    program = wg.value_and_grad(lambda x: -np.mean(np.log(share(x)[np.arange(5), labels])))
    counts = nodes(program, ROWS)
    assert counts["exp"] == counts["max"] == counts["log"] == 1
    assert "eq" not in counts
    y, g = results(program, ROWS)[:2]
    np.testing.assert_allclose(y, np.mean(logsumexp(ROWS, axis=1) - ROWS[np.arange(5), labels]), rtol=1e-15)
    with mpmath.workdps(60):
        exact = [
            [(b - (k == i)) / 5 for k, b in enumerate(exact_softmax(row))] for row, i in zip(ROWS, labels, strict=True)
        ]
    near(g, exact, np.float64)


def test_shares_that_labels_name_without_their_logarithm():
    x, labels = RNG.normal(size=(5, 4)), np.array([1, 3, 0, 2, 1])
    for f in (np.sqrt, np.sin, lambda p: np.log(p) * p, lambda p: 1 / p, lambda p: np.log(p[1:])):
        agrees(wg.value_and_grad(lambda x, f=f: np.sum(f(softmax(x)[np.arange(5), labels]))), x, rtol=1e-11, atol=1e-13)


def test_an_argument_that_is_shifted_is_not_shifted_again():
    assert nodes(softmax, ROWS)["max"] == 1
    assert nodes(softmax_with_a_guard, ROWS)["max"] == 1
    assert nodes(softmax_unshifted, ROWS)["max"] == 1
    assert nodes(LOG_SUMS["shifted"], ROWS)["max"] == 1


def test_uses_of_the_argument_beside_a_softmax_keep_their_gradients():
    x, w = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    program = wg.value_and_grad(lambda x, w: np.sum(w * softmax(np.sin(x)) * x) + np.sum(x * x) + np.sum(np.max(x, 1)))
    agrees(program, x, w, rtol=1e-11, atol=1e-13)


# Where the patterns are not

LEFT = {
    "another exponential": lambda x: np.exp(x) / np.sum(np.exp(2 * x), axis=-1, keepdims=True),
    "another axis": lambda x: np.exp(x) / np.sum(np.exp(x), axis=0)[0],
    "a base other than 1": lambda x: np.log(2 + np.exp(x)),
    "a multiple": lambda x: 1 / (1 + 2 * np.exp(-x)),
    "less two": lambda x: np.exp(x) - 2,
    "three tangents": lambda x: 1 + 3 * np.tanh(x),
    "a quotient of equals": lambda x: x / x,
    "a cancelled difference": lambda x: x * np.exp(x) - np.exp(x),
    "a weighted sum": lambda x: np.log(np.sum(2 * np.exp(x) * x * x, axis=-1)),
}


@pytest.mark.parametrize("name", LEFT)
def test_other_formulas_are_left_as_they_are(name):
    graph = lowered(LEFT[name], RNG.normal(size=(4, 4)))
    before = [x.describe() for x in graph.values if x.number in live_values(graph) and x.prim == "map"]
    graph = stabilised(graph)
    after = [x.describe() for x in graph.values if x.number in live_values(graph) and x.prim == "map"]
    assert [text.split()[3] for text in before] == [text.split()[3] for text in after]
    agrees(LEFT[name], RNG.normal(size=(4, 4)))


def test_a_quotient_of_equals_is_still_missing_at_zero():
    np.testing.assert_array_equal(results(LEFT["a quotient of equals"], np.array([0.0, 2.0]))[0], [np.nan, 1.0])


def test_a_maximum_on_which_the_result_depends_is_differentiated():
    x, w = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    for f in (
        lambda x, w: np.sum(w * np.exp(x - np.max(x, axis=1, keepdims=True))),
        lambda x, w: np.sum(w * (x - np.max(x, axis=1, keepdims=True))),
        lambda x, w: np.sum(w * softmax(x * np.max(x, axis=1, keepdims=True))),
        lambda x, w: np.sum(w * softmax(x) * np.max(x, axis=1, keepdims=True)),
        lambda x, w: np.sum(w * softmax(x - 2 * np.max(x, axis=0))),
    ):
        agrees(wg.value_and_grad(f), x, w, rtol=1e-11, atol=1e-13)


def test_sums_that_are_zero_stay_missing_where_a_number_is():
    x = np.array([[1.0, np.nan], [1.0, 2.0]])
    found = results(lambda x: np.sum(softmax(x) - softmax(x) * np.sum(softmax(x), axis=1, keepdims=True), axis=1), x)
    np.testing.assert_array_equal(np.isnan(found[0]), [True, False])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradients_agree_with_numpy_at_ordinary_points(name):
    written, x, w = ELEMENTWISE[name][0], RNG.normal(size=(3, 4)), RNG.normal(size=(3, 1))
    agrees(wg.value_and_grad(lambda x, w: np.sum(w * written(x)), (0, 1)), x, w, rtol=1e-11, atol=1e-12)


def test_broadcast_operands():
    x, b, w = RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=(3, 1))
    for f in (
        lambda x, b, w: np.sum(w / (1 + np.exp(-b)) * x),
        lambda x, b, w: np.sum(np.exp(b) / (1 + np.exp(b)) * (x * w)),
        lambda x, b, w: np.sum(w * softmax(b) * x),
        lambda x, b, w: np.sum(x * softmax(x * b)),
        lambda x, b, w: np.sum(w * np.log(1 + np.exp(x + b))),
    ):
        agrees(wg.value_and_grad(f, (0, 1, 2)), x, b, w, rtol=1e-11, atol=1e-12)


def test_formulas_in_a_larger_program():
    def step(h, x, w):
        z = 1 / (1 + np.exp(-(h @ w + x)))
        return z * np.tanh(h) + (1 - z) * x

    def program(xs, w):
        h = np.zeros(3)
        for x in xs:
            h = step(h, x, w)
        return -np.log(softmax(h))[1]

    agrees(wg.value_and_grad(program, (0, 1)), RNG.normal(size=(5, 3)), RNG.normal(size=(3, 3)), rtol=1e-10)


PIECES = (
    lambda a, b, k: np.exp(0.5 * a), lambda a, b, k: -a, lambda a, b, k: a + b, lambda a, b, k: a - b,
    lambda a, b, k: a * b, lambda a, b, k: a / (1 + np.exp(b)), lambda a, b, k: np.exp(a) / (np.exp(a) + 1),
    lambda a, b, k: np.log(1 + np.exp(a)), lambda a, b, k: np.tanh(a), lambda a, b, k: 1 - a, lambda a, b, k: a + 1,
    lambda a, b, k: np.sum(a, axis=k, keepdims=True), lambda a, b, k: a - np.max(a, axis=k, keepdims=True),
    lambda a, b, k: softmax(a, k), lambda a, b, k: np.log(np.sum(np.exp(a), axis=k, keepdims=True)),
    lambda a, b, k: a / np.sum(np.exp(0.5 * a), axis=k, keepdims=True), lambda a, b, k: 0.5 * a,
)  # fmt: skip
"""What programs are put together from: of two arrays and an axis."""


@pytest.mark.parametrize("seed", range(80))
def test_programs_put_together_at_random_keep_their_values_and_gradients(seed):
    def program(x, w):
        draws = np.random.default_rng(seed)
        found = [x, w, 0.5 * x]
        for _ in range(draws.integers(4, 14)):
            a, b = found[-draws.integers(1, min(5, len(found)))], found[draws.integers(len(found))]
            found.append(PIECES[draws.integers(len(PIECES))](a, b, int(draws.integers(2))))
        return np.sum(found[-1] * w) + np.sum(found[-2])

    x, w = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    agrees(wg.value_and_grad(program, (0, 1)), x, w, rtol=1e-8, atol=1e-8)


def test_what_has_no_exponentials_is_the_same_graph():
    graph = lowered(lambda x: x * x + 1, RNG.normal(size=3))
    assert stabilised(graph) is graph


def test_derivatives_as_traced_overflow():  # so that what is tested above is tested
    graph, arrays = traced(wg.value_and_grad(lambda x: np.sum(1 / (1 + np.exp(-x)))), np.array([-800.0]))
    with np.errstate(all="ignore"):
        assert np.isnan(replay(graph, arrays)[1]).all()
