"""Keywords of ufuncs: values are NumPy's, and derivatives those of the program as executed."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import Box
from wengert.core.registry import UFUNCS
from wengert.errors import InputError
from wengert.testing import check_jacobian, check_orders, check_transpose

X = np.array([[0.3, 0.5, 0.7], [0.2, 0.9, 0.4]])
Y = np.array([0.4, 0.15, 0.6])
MASK = np.array([[True, False, True], [False, False, True]])

ALL = sorted({f for f in vars(np).values() if isinstance(f, np.ufunc) and not f.signature}, key=lambda f: f.__name__)
DIFFERENTIABLE = [f for f in ALL if f in UFUNCS and not UFUNCS[f].is_constant and f not in (np.ldexp, np.arccosh)]

every_ufunc = pytest.mark.parametrize("ufunc", ALL, ids=lambda f: f.__name__)
every_differentiable = pytest.mark.parametrize("ufunc", DIFFERENTIABLE, ids=lambda f: f.__name__)


def results(y):
    return y if isinstance(y, tuple) else (y,)


def arguments(ufunc):
    """Arguments that the ufunc takes, and what it gives; ``None`` where it takes none of these."""
    for args in (
        (X, Y),
        (X + 1.0, Y),
        (np.array([[1, 2, 3], [6, 5, 4]]), np.array([1, 2, 2])),
        (X, np.array([1, 2, 1])),
    ):
        try:
            return args[: ufunc.nin], results(ufunc(*args[: ufunc.nin]))
        except (TypeError, RuntimeWarning):
            continue
    raise AssertionError(f"no arguments for {ufunc}")


def chosen(ufunc, *args, where):
    """``ufunc(*args, where=...)``, with zeros where NumPy would leave what was in memory."""
    if any(isinstance(x, Box) for x in args):
        return ufunc(*args, where=where)
    shape = np.broadcast_shapes(*map(np.shape, args), np.shape(where))
    return ufunc(*args, where=where, out=np.zeros(shape, ufunc(*args).dtype))


def boxed(args):
    return [wg.tensor(x) for x in args]


@every_ufunc
def test_out_and_where(ufunc):
    if ufunc is np.isnat:
        return
    args, plain = arguments(ufunc)
    expected = [np.full(X.shape, 7).astype(y.dtype) for y in plain]
    ufunc(*args, out=tuple(expected), where=MASK)
    targets = [wg.tensor(np.full(X.shape, 7).astype(y.dtype)) for y in plain]
    for mask in (MASK, wg.tensor(MASK)):
        found = results(ufunc(*boxed(args), out=tuple(targets), where=mask))
        for y, target, z in zip(found, targets, expected, strict=True):
            assert y is target
            np.testing.assert_array_equal(y, z)
            assert y.dtype == z.dtype
    arrays = [np.full(X.shape, 7).astype(y.dtype) for y in plain]
    ufunc(*[wg.tensor(x, constant=True) for x in args], out=tuple(arrays), where=MASK)
    for y, z in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(y, z)


@every_ufunc
def test_where_without_out_is_zero_elsewhere(ufunc):
    if ufunc is np.isnat:
        return
    args, plain = arguments(ufunc)
    for y, z in zip(results(ufunc(*boxed(args), where=MASK)), plain, strict=True):
        np.testing.assert_array_equal(y, np.where(MASK, z, np.zeros((), z.dtype)))
        assert y.dtype == z.dtype


@every_ufunc
def test_dtype_casting_order_and_signature(ufunc):
    args, _ = ([np.array(["2020"], "M8[Y]")], None) if ufunc is np.isnat else arguments(ufunc)
    if ufunc is np.isnat:
        return
    for keywords in (
        {"dtype": np.float32},
        {"dtype": complex},
        {"dtype": bool},
        {"casting": "safe"},
        {"casting": "no"},
        {"order": "F"},
        {"subok": False},
        {"signature": (None,) * ufunc.nin + (np.float32,) * ufunc.nout},
        {"signature": (np.float32,) * ufunc.nin + (None,) * ufunc.nout, "casting": "same_kind"},
        {"sig": "d" * ufunc.nin + "->" + "d" * ufunc.nout},
    ):
        try:
            expected = results(ufunc(*args, **keywords))
        except TypeError:
            with pytest.raises(TypeError):
                ufunc(*boxed(args), **keywords)
            continue
        for y, z in zip(results(ufunc(*boxed(args), **keywords)), expected, strict=True):
            np.testing.assert_array_equal(y, z)
            assert y.dtype == z.dtype
            assert np.asarray(y).flags.f_contiguous == z.flags.f_contiguous or "order" not in keywords


# Derivatives


@every_differentiable
def test_derivative_with_where(ufunc):
    args, _ = arguments(ufunc)
    old = np.array([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]])

    def kept(old, *args):
        target = old * 1.0
        ufunc(*args, out=target, where=MASK)
        return target

    def zeroed(*args):
        return chosen(ufunc, *args, where=MASK)

    for f, point in ((kept, (old, *args)), (zeroed, args)):
        check_jacobian(f, point)
        check_transpose(f, point)
        check_orders(f, point, order=2)


def test_nothing_is_computed_where_the_mask_is_false():
    x = wg.tensor([4.0, -1.0, 0.0, 9.0])
    y = np.sqrt(x, where=x > 0)
    z = np.divide(1.0, x, where=x != 0)
    np.testing.assert_array_equal(y, [2.0, 0.0, 0.0, 3.0])
    np.sum(y + z).backward()
    np.testing.assert_allclose(x.grad, [0.25 - 1 / 16, -1.0, 0.0, 1 / 6 - 1 / 81])
    with wg.strict_cotangents():
        np.testing.assert_allclose(
            wg.grad(lambda x: np.sum(np.log(x, where=x > 0)))(np.array([-1.0, 0.0, 2.0])), [0.0, 0.0, 0.5]
        )


def test_an_honest_nan_stays():
    """Where the mask is true, a zero times an infinity is what it is."""
    f = wg.grad(lambda x: np.sum(np.square(np.sqrt(x), where=[True, False])))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(np.zeros(2)), [np.nan, 0.0])


def test_where_in_place():
    def program(x):
        y = x * 1.0
        np.multiply(y, y, out=y, where=y > 0.35)
        np.add(y[0], 1.0, out=y[1], where=[True, False, True])
        return np.sum(y * y)

    def rewritten(x):
        y = np.where(x > 0.35, x * x, x)
        y = np.stack([y[0], np.where([True, False, True], y[0] + 1.0, y[1])])
        return np.sum(y * y)

    np.testing.assert_allclose(wg.grad(program)(X), wg.grad(rewritten)(X), rtol=1e-14)
    np.testing.assert_allclose(wg.hessian(program)(X), wg.hessian(rewritten)(X), rtol=1e-13)
    np.testing.assert_allclose(
        wg.jvp(program, (X,), (np.cos(X),))[1], wg.jvp(rewritten, (X,), (np.cos(X),))[1], rtol=1e-14
    )


@pytest.mark.parametrize(
    ("a", "b", "mask"),
    [
        (np.array(2.0), np.array(3.0), np.array([True, False, True])),
        (np.array(2.0), np.array(3.0), np.array(True)),
        (np.array(2.0), np.array(3.0), np.array(False)),
        (np.ones(3), np.array(3.0), np.array(True)),
        (np.ones(3), np.ones((2, 1)), np.array([True, False, True])),
        (np.ones((1, 3)), np.ones(3), np.array([[True], [False]])),
        (np.ones((0, 3)), np.ones(3), np.array([True, False, True])),
        (np.ones(2), np.ones(2), np.zeros(2, bool)),
    ],
)
def test_where_is_broadcast(a, b, mask):
    shape = np.broadcast_shapes(a.shape, b.shape, mask.shape)
    expected = np.where(mask, a * b, np.zeros(shape))
    x, y = wg.tensor(a), wg.tensor(b)
    z = np.multiply(x, y, where=mask)
    assert z.shape == shape
    np.testing.assert_array_equal(z, expected)
    np.sum(z).backward()
    check_jacobian(lambda a, b: chosen(np.multiply, a, b, where=mask), (a, b))


def test_out_that_where_does_not_fit():
    x, small = wg.tensor(np.ones(3)), wg.tensor(np.zeros(1))
    with pytest.raises(ValueError, match=r"np\.add: out= has shape \(1,\), while inputs and where= give \(3,\)"):
        np.add(x, 1.0, where=[True, False, True], out=small)
    with pytest.raises(ValueError, match="broadcast"):
        np.add(x, 1.0, where=[True, False], out=x)
    assert small.tolist() == [0.0]


def test_a_mask_that_is_changed_later():
    x, mask = wg.tensor([1.0, 2.0]), np.array([True, False])
    y = np.square(x, where=mask)
    mask[:] = False, True
    np.sum(y).backward()
    assert x.grad.tolist() == [2.0, 0.0]


def test_where_of_numbers():
    mask = wg.tensor([True, False])
    assert np.add(1.0, 2.0, where=mask).tolist() == [3.0, 0.0]
    assert np.add(wg.tensor(np.float32([1.0, 2.0])), 1.0, where=mask).dtype == np.float32


def test_a_constant_computed_where():
    assert np.add(wg.tensor([1.0, 2.0], constant=True), 1.0, where=[True, False]).constant
    assert not np.add(wg.tensor([1.0, 2.0]), 1.0, where=[True, False]).constant


def test_out_of_several_results():
    x = wg.tensor([2.5, -1.25])
    fraction, whole = wg.tensor(np.zeros(2)), np.zeros(2)
    found = np.modf(x, out=(fraction, None))
    assert found[0] is fraction
    np.testing.assert_array_equal(found[1], [2.0, -1.0])
    np.sum(fraction * [2.0, 3.0]).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 3.0])
    np.modf(wg.tensor([2.5, -1.25], constant=True), out=(None, whole))
    np.testing.assert_array_equal(whole, [2.0, -1.0])
    quotient, rest = wg.tensor(np.zeros(2)), wg.tensor(np.zeros(2))
    np.divmod(x, 2.0, quotient, rest, where=[True, False])
    np.testing.assert_array_equal(quotient, [1.0, 0.0])
    np.testing.assert_array_equal(rest, [0.5, 0.0])
    np.frexp(x, out=(rest, None), where=[False, True])
    np.testing.assert_array_equal(rest, [0.5, -0.625])
    np.sum(rest).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 0.5])


def test_out_by_position_and_through_views():
    def program(x):
        y = np.zeros((2, 3), x.dtype) + 0.0 * x
        np.exp(x[0], y.T[:, 1])
        np.multiply(y[1], x[1], out=y[1, ::-1])
        np.add(y[1], 1.0, out=y)
        return np.sum(y * y)

    def rewritten(x):
        row = (np.exp(x[0]) * x[1])[::-1] + 1.0
        return 2.0 * np.sum(row * row)

    np.testing.assert_allclose(wg.grad(program)(X), wg.grad(rewritten)(X), rtol=1e-14)


# Dtypes and their casting


def test_the_gradient_of_a_call_in_another_dtype():
    for dtype in (np.float32, np.longdouble):
        x = wg.tensor(X)
        y = np.sin(x, dtype=dtype, casting="same_kind")
        assert y.dtype == dtype
        np.sum(y).backward()
        assert x.grad.dtype == np.float64
        np.testing.assert_allclose(x.grad, np.cos(X), rtol=1e-6 if dtype == np.float32 else 1e-15)


def test_real_numbers_computed_as_complex_ones():
    def f(x):
        return np.imag(np.sqrt(x, dtype=complex)) + np.real(np.log(x, dtype=complex))

    check_jacobian(f, (np.array([-4.0, -0.5]),))
    check_orders(f, (np.array([-4.0, -0.5]),), order=3)
    check_jacobian(lambda x: np.imag(np.arcsin(x, dtype=complex)), (np.array([-1.5, 2.0]),))


def test_casting_of_what_is_written():
    x = wg.tensor(X)
    target = wg.tensor(np.zeros(X.shape, np.float32))
    with pytest.raises(InputError, match="casting='safe'"):
        np.add(x, x, out=target, casting="safe")
    with pytest.raises(InputError, match="casting='no'"):
        np.add(x, x, out=target, where=MASK, casting="no")
    np.add(x, x, out=target)
    np.sum(target).backward()
    np.testing.assert_array_equal(x.grad, np.full(X.shape, 2.0))
    whole = wg.tensor(np.zeros(X.shape, int))
    with pytest.raises(InputError, match="int64"):
        np.add(x, x, out=whole)
    with pytest.raises(InputError, match="int64"):
        np.add(x, x, out=whole, casting="unsafe")
    np.multiply(wg.tensor(X, constant=True), 10.0, out=whole, casting="unsafe")
    np.testing.assert_array_equal(whole, (X * 10.0).astype(int))
    np.testing.assert_array_equal(target, (2.0 * X).astype(np.float32))


def test_the_complex_part_that_is_dropped():
    x = wg.tensor(X)
    target = wg.tensor(np.zeros(X.shape))
    with pytest.warns(np.exceptions.ComplexWarning):
        np.multiply(x, 2.0 + 1j, out=target, casting="unsafe")
    np.sum(target).backward()
    np.testing.assert_array_equal(x.grad, np.full(X.shape, 2.0))


def test_keywords_that_do_not_exist():
    with pytest.raises(TypeError, match="axis"):
        np.add(wg.tensor(X), 1.0, axis=0)
    with pytest.raises(TypeError):
        np.matmul(wg.tensor(X), X.T, where=MASK)


def test_dtype_of_products():
    x = wg.tensor(X)
    y = np.matmul(x, X.T, dtype=np.float32, casting="same_kind")
    assert y.dtype == np.float32
    target = wg.tensor(np.zeros((2, 2)))
    np.matmul(x, X.T, out=target)
    np.sum(target).backward()
    np.testing.assert_allclose(x.grad, np.tile(X.sum(axis=0), (2, 1)))


# np.clip, which takes the keywords of a ufunc


def test_clip_with_keywords():
    def program(x):
        y = x * 1.0
        np.clip(x, 0.35, 0.6, out=y, where=MASK)
        return y

    np.testing.assert_array_equal(program(wg.tensor(X)), np.where(MASK, np.clip(X, 0.35, 0.6), X))
    check_jacobian(program, (X,))
    np.testing.assert_array_equal(
        np.clip(wg.tensor(X), 0.35, None, where=MASK), np.where(MASK, np.maximum(X, 0.35), 0.0)
    )
    assert np.clip(wg.tensor(X), 0, 1, dtype=np.float32).dtype == np.float32
    with pytest.raises(InputError, match="float32"):
        np.clip(wg.tensor(X), 0, 1, dtype=np.float32, casting="safe")
