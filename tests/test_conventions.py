"""The derivative at every awkward point: ``docs/conventions.md``, row by row, exactly, in either mode.

Numbers in the names are the rows. Rows about threads (37) and containers (35) have files of their own.
"""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConversionError, InputError, UndefinedDerivative

INF, NAN = np.inf, np.nan


def reverse(f, x):
    return wg.grad(lambda x: np.sum(f(x)))(x)


def forward(f, x):
    x = np.asarray(x)
    units = np.eye(x.size, dtype=x.dtype).reshape((x.size, *x.shape))
    return np.reshape([wg.jvp(lambda x: np.sum(f(x)), (x,), (unit,))[1] for unit in units], x.shape)


def backward(f, x):
    t = wg.tensor(x)
    np.sum(f(t)).backward()
    return t.grad


MODES = pytest.mark.parametrize("gradient", [reverse, forward, backward])


def second(f, x):
    """The second derivatives of ``sum(f)``, all four ways."""

    def total(x):
        return np.sum(f(x))

    x = np.asarray(x, float)
    units = np.eye(x.size).reshape((x.size, *x.shape))

    def slopes(x):
        return [wg.jvp(total, (x,), (unit,))[1] for unit in units]

    yield wg.hessian(total)(x)
    yield np.reshape([wg.hvp(total, (x,), (unit,)) for unit in units], x.shape * 2)
    yield np.reshape(wg.jacobian(lambda x: np.stack(slopes(x)))(x), x.shape * 2)
    yield np.reshape([wg.jvp(lambda x: np.stack(slopes(x)), (x,), (unit,))[1] for unit in units], x.shape * 2)


def assert_second(f, x, expected):
    with np.errstate(all="ignore"):
        for found in second(f, x):
            np.testing.assert_array_equal(found, expected)


@pytest.fixture(autouse=True)
def _quiet():
    """Points at which NumPy itself warns are the subject here."""
    with np.errstate(all="ignore"):
        yield


def guarded(f):
    return lambda x: np.where(x > 0, f(x), x)


@MODES
@pytest.mark.parametrize("f", [np.sqrt, np.log, lambda x: 1 / x, lambda x: x**0.5, lambda x: np.log(np.sqrt(x))])
def test_01_what_where_does_not_select_has_no_influence(gradient, f):
    x = np.array([-1.0, 0.0, -0.0])
    np.testing.assert_array_equal(gradient(guarded(f), x), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("f", [np.sqrt, np.log, lambda x: np.log(np.sqrt(x))])
def test_01_nor_at_second_order(f):
    assert_second(guarded(f), np.array([-1.0, 0.0]), np.zeros((2, 2)))


def test_01_nor_at_third_order():
    f = wg.grad(wg.grad(wg.grad(guarded(np.sqrt))))
    assert f(0.0) == f(-1.0) == 0.0
    assert f(4.0) == pytest.approx(0.375 * 4.0**-2.5, rel=1e-14)


@MODES
def test_01_selection_by_other_functions(gradient):
    assert gradient(lambda x: np.sqrt(x)[1:], np.array([0.0, 4.0])).tolist() == [0.0, 0.25]
    assert gradient(lambda x: np.maximum(np.sqrt(x), 1.0), np.array([0.0, 4.0])).tolist() == [0.0, 0.25]
    assert gradient(lambda x: np.clip(np.sqrt(x), 1.0, None), np.array([0.0, 4.0])).tolist() == [0.0, 0.25]


def test_01_strict_cotangents_restore_ieee():
    with wg.strict_cotangents():
        assert np.isnan(wg.grad(guarded(np.sqrt))(0.0))
    assert wg.grad(guarded(np.sqrt))(0.0) == 1.0


@MODES
def test_01_zero_of_another_origin_is_not_masked(gradient):
    """0·∞ that a computation brings about itself is NaN, as IEEE has it."""
    assert np.isnan(gradient(lambda x: 0.0 * np.sqrt(x), 0.0))


@MODES
def test_02_norm_at_zero(gradient):
    np.testing.assert_array_equal(gradient(np.linalg.norm, np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(gradient(lambda x: np.linalg.norm(x, axis=1), np.zeros((2, 3))), np.zeros((2, 3)))
    np.testing.assert_array_equal(gradient(np.linalg.norm, np.zeros((2, 2))), np.zeros((2, 2)))


@MODES
def test_03_std_of_equal_values(gradient):
    np.testing.assert_array_equal(gradient(np.std, np.full(4, 2.0)), np.zeros(4))
    np.testing.assert_array_equal(gradient(lambda x: np.std(x, axis=0, ddof=1), np.full((3, 2), 2.0)), np.zeros((3, 2)))


def test_04_hessian_of_the_squared_norm_at_zero():
    def total(x):
        return np.linalg.norm(x) ** 2

    x, unit = np.zeros(2), np.array([1.0, 0.0])
    for ask in (
        lambda: wg.hessian(total)(x),
        lambda: wg.hvp(total, (x,), (unit,)),
        lambda: wg.grad(lambda x: wg.jvp(total, (x,), (unit,))[1])(x),
        lambda: wg.jvp(lambda x: wg.jvp(total, (x,), (unit,))[1], (x,), (unit,)),
    ):
        with pytest.raises(UndefinedDerivative, match=r"np\.sum\(x \* x\)"):
            ask()
    assert_second(lambda x: np.sum(x * x), x, 2 * np.eye(2))


@MODES
def test_05_abs_at_zero(gradient):
    np.testing.assert_array_equal(gradient(np.abs, np.array([0.0, -0.0, 2.0, -2.0])), [0.0, 0.0, 1.0, -1.0])
    assert_second(np.abs, np.array([0.0]), [[0.0]])


@MODES
@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_06_ties_of_two(gradient, f):
    y = np.array([1.0, 2.0])
    np.testing.assert_array_equal(gradient(lambda x: f(x, y), y), [0.5, 0.5])
    np.testing.assert_array_equal(gradient(lambda x: f(y, x), y), [0.5, 0.5])
    np.testing.assert_array_equal(gradient(lambda x: f(x, x), y), [1.0, 1.0])


@MODES
@pytest.mark.parametrize("f", [np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin])
def test_07_ties_of_several_split_evenly(gradient, f):
    x = np.full((2, 3), 5.0)
    np.testing.assert_array_equal(gradient(f, x), np.full((2, 3), 1 / 6))
    np.testing.assert_array_equal(gradient(lambda x: f(x, axis=0), x), np.full((2, 3), 1 / 2))
    np.testing.assert_array_equal(gradient(lambda x: f(x, axis=-1), x), np.full((2, 3), 1 / 3))
    np.testing.assert_array_equal(gradient(lambda x: f(x, axis=(0, 1)), x), np.full((2, 3), 1 / 6))
    np.testing.assert_array_equal(gradient(lambda x: f(x, axis=(1,), keepdims=True), x), np.full((2, 3), 1 / 3))
    np.testing.assert_array_equal(
        gradient(f, np.array([1.0, 1.0, 0.0]) * (1 if "max" in f.__name__ else -1)), [0.5, 0.5, 0.0]
    )


@MODES
@pytest.mark.parametrize("f", [np.max, np.min])
def test_08_max_with_a_nan(gradient, f):
    assert np.isnan(gradient(f, np.array([1.0, NAN, 3.0]))).any()


@MODES
def test_09_clip_at_its_bounds(gradient):
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(gradient(lambda x: np.clip(x, -1.0, 1.0), x), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(gradient(lambda x: x.clip(-1.0, None), x), [0, 1, 1, 1, 1])


@MODES
@pytest.mark.parametrize("kind", ["quicksort", "stable"])
def test_10_sort_of_ties_uses_its_own_permutation(gradient, kind):
    x = np.array([2.0, 1.0, 2.0, 1.0, 2.0])
    weights = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    expected = np.empty(5)
    expected[np.argsort(x, kind=kind)] = weights
    np.testing.assert_array_equal(gradient(lambda x: np.sort(x, kind=kind) * weights, x), expected)


@MODES
def test_11_powers_at_zero(gradient):
    assert gradient(lambda x: x**0.0, 0.0) == 0.0
    assert gradient(lambda y: 0.0**y, 0.0) == 0.0
    assert gradient(lambda x: x**1.0, 0.0) == 1.0
    assert gradient(lambda x: x**2, 0.0) == 0.0
    assert gradient(lambda y: 0.0**y, 2.0) == 0.0
    assert gradient(lambda x: np.power(x, np.array([0.0, 1.0, 2.0])), np.zeros(3)).tolist() == [0.0, 1.0, 0.0]


def test_11_second_derivatives_of_powers_at_zero():
    assert_second(lambda x: x**2, np.array([0.0]), [[2.0]])
    assert_second(lambda x: x**2.0, np.array([0.0]), [[2.0]])
    assert_second(lambda x: x**1.0, np.array([0.0]), [[0.0]])
    assert_second(lambda x: x**3, np.array([0.0]), [[0.0]])


@MODES
def test_12_arctan2_at_the_origin(gradient):
    assert gradient(lambda x: np.arctan2(x, 0.0), 0.0) == 0.0
    assert gradient(lambda x: np.arctan2(0.0, x), 0.0) == 0.0


@MODES
def test_13_hypot_at_the_origin(gradient):
    assert gradient(lambda x: np.hypot(x, 0.0), 0.0) == 0.0
    assert gradient(lambda x: np.hypot(0.0, x), 0.0) == 0.0


@MODES
@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_14_logaddexp_of_infinities(gradient, f):
    assert gradient(lambda x: f(x, -INF), -INF) == 0.5
    assert gradient(lambda x: f(-INF, x), -INF) == 0.5
    assert gradient(lambda x: f(x, -INF), 1.0) == 1.0
    assert gradient(lambda x: f(1.0, x), -INF) == 0.0
    assert gradient(lambda x: f(x, x), INF) == 1.0


@MODES
def test_14_logsumexp_of_infinities(gradient):
    np.testing.assert_array_equal(gradient(np.logaddexp.reduce, np.full(4, -INF)), np.full(4, 0.25))


@MODES
def test_15_prod_with_zeros(gradient):
    np.testing.assert_array_equal(gradient(np.prod, np.array([2.0, 0.0, 3.0])), [0.0, 6.0, 0.0])
    np.testing.assert_array_equal(gradient(np.prod, np.array([0.0, 0.0, 3.0])), [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(
        gradient(lambda x: np.prod(x, axis=0), np.array([[0.0, 2.0], [3.0, 4.0]])), [[3.0, 4.0], [0.0, 2.0]]
    )


def test_15_prod_with_zeros_at_second_order():
    assert_second(np.prod, np.array([2.0, 0.0, 3.0]), [[0, 3, 0], [3, 0, 2], [0, 2, 0]])
    assert_second(np.prod, np.array([0.0, 0.0, 3.0]), [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


@MODES
def test_16_cumprod_with_a_zero(gradient):
    np.testing.assert_array_equal(gradient(np.cumprod, np.array([2.0, 0.0, 3.0])), [1.0, 8.0, 0.0])
    assert_second(np.cumprod, np.array([2.0, 0.0, 3.0]), [[0, 4, 0], [4, 0, 2], [0, 2, 0]])


@MODES
def test_20_arccos_at_one(gradient):
    assert gradient(np.arccos, 1.0) == -INF
    assert gradient(lambda x: np.where(x < 1, np.arccos(x), 0.0), 1.0) == 0.0


@MODES
def test_22_sinc_at_zero(gradient):
    assert gradient(np.sinc, 0.0) == 0.0
    for found in second(np.sinc, np.array([0.0])):
        np.testing.assert_allclose(found, [[-(np.pi**2) / 3]], rtol=1e-15)


@MODES
def test_24_updating_what_exp_returned(gradient):
    def f(x):
        y = np.exp(x)
        y += 1.0
        return y

    np.testing.assert_array_equal(gradient(f, np.array([0.0, 1.0])), np.exp([0.0, 1.0]))


@MODES
def test_25_another_name_for_an_array_sees_its_update(gradient):
    def f(x):
        x = x * 1.0
        y = x
        x += 1.0
        assert y is x
        return y * y

    np.testing.assert_array_equal(gradient(f, np.array([1.0, 2.0])), [4.0, 6.0])


def test_26_update_of_a_leaf():
    x = wg.tensor([1.0, 2.0])
    x *= 3.0
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.data, [3.0, 6.0])
    np.testing.assert_array_equal(x.grad, [6.0, 12.0])


@MODES
def test_27_duplicate_indices_add_up(gradient):
    i = np.array([0, 1, 0, 0])
    np.testing.assert_array_equal(gradient(lambda x: x[i], np.zeros(3)), [3.0, 1.0, 0.0])
    np.testing.assert_array_equal(gradient(lambda x: np.take(x, i), np.zeros(3)), [3.0, 1.0, 0.0])

    def added(x):
        total = wg.tensor(np.zeros(2))
        np.add.at(total, [0, 0, 1], x)
        return total * np.array([10.0, 1.0])

    np.testing.assert_array_equal(gradient(added, np.ones(3)), [10.0, 10.0, 1.0])


@MODES
def test_28_an_index_out_of_range(gradient):
    with pytest.raises(IndexError, match="out of bounds"):
        gradient(lambda x: x[5], np.ones(3))
    with pytest.raises(IndexError):
        gradient(lambda x: np.take(x, [5]), np.ones(3))


def test_29_integers():
    assert wg.tensor([1, 2]).constant
    with pytest.raises(InputError, match="astype"):
        wg.grad(np.sum)(np.arange(3))


@MODES
def test_30_complex_gradients_point_uphill(gradient):
    if gradient is not forward:  # forward mode gives directional derivatives
        assert gradient(lambda z: np.abs(z) ** 2, np.array(1 + 2j)) == pytest.approx(2 + 4j, rel=1e-15)
        assert gradient(lambda z: np.real(z * np.conj(z)), np.array(1 + 2j)) == 2 + 4j
    assert wg.jvp(lambda z: np.real(z * np.conj(z)), (1 + 2j,), (1j,))[1] == 4.0


def test_31_angle_of_zero():
    assert wg.grad(np.angle)(0j) == 0.0
    assert wg.jvp(np.angle, (0j,), (1j,))[1] == 0.0


def test_30_abs_of_complex_zero():
    assert wg.grad(np.abs)(0j) == 0.0
    assert wg.jvp(np.abs, (0j,), (1j,))[1] == 0.0


def test_32_float16_accumulates_wider():
    ones = np.ones(4096, np.float16)
    gradient = wg.grad(lambda c: np.sum((c * ones) * ones))(np.float16(1))
    assert gradient.dtype == np.float16
    assert gradient == 4096


def test_33_the_gradient_has_the_inputs_dtype():
    x, c = np.ones(3, np.float32), np.ones(3, np.float64)
    assert wg.grad(lambda x: np.sum(x * c))(x).dtype == np.float32
    assert wg.jvp(lambda x: x * c, (x,), (x,))[1].dtype == np.float64
    t = wg.tensor(x)
    np.sum(t * c).backward()
    assert t.grad.dtype == np.float32


@MODES
def test_36_methods_of_ufuncs(gradient):
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(gradient(lambda x: np.add.reduce(x), x), [1, 1, 1])
    np.testing.assert_array_equal(gradient(lambda x: np.add.accumulate(x), x), [3, 2, 1])
    np.testing.assert_array_equal(gradient(lambda x: np.multiply.outer(x, x), x), [12, 12, 12])
    np.testing.assert_array_equal(gradient(lambda x: np.multiply.reduce(x), x), [6, 3, 2])
    np.testing.assert_array_equal(gradient(lambda x: np.maximum.reduce(x), x), [0, 0, 1])


def test_38_traced_values_in_sequences():
    with pytest.raises(ConversionError, match=r"np\.stack"):
        wg.grad(lambda x: np.sum(np.array([x, 2 * x])))(1.0)
    assert wg.grad(lambda x: np.sum(wg.tensor([x, 2 * x])))(1.0) == 3.0
    assert wg.jvp(lambda x: np.sum(wg.tensor([[x], [2 * x]])), (1.0,), (1.0,))[1] == 3.0
    t = wg.tensor(2.0)
    assert float(t) == 2.0
    assert np.asarray(t) == 2.0


@MODES
def test_38_writing_a_traced_value_into_a_tensor(gradient):
    def f(x):
        y = wg.tensor(np.zeros(3))
        y[0] = x[1]
        y[1:] = 2.0 * x
        return y

    np.testing.assert_array_equal(gradient(f, np.ones(2)), [2.0, 3.0])


@pytest.mark.parametrize("copied", [lambda x: x.copy(), lambda x: x.astype(np.float32), np.copy])
@MODES
def test_copies_are_recorded(gradient, copied):
    np.testing.assert_array_equal(gradient(copied, np.ones(2)), [1.0, 1.0])


def test_the_pullback_of_a_holomorphic_function_multiplies_by_the_conjugate():
    z, g = np.array([1 + 2j, -0.5j]), np.array([1j, 2.0])
    _, pullback = wg.vjp(lambda z: z * z, z)
    np.testing.assert_array_equal(pullback(g), g * np.conj(2 * z))
    np.testing.assert_array_equal(wg.jvp(lambda z: z * z, (z,), (g,))[1], g * (2 * z))
