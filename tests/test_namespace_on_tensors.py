"""NumPy's namespace on tensors: what answers from the data, and that little is left out."""

import io
import warnings

import numpy as np
import pytest

import wengert as wg
from wengert.core.registry import FUNCTIONS
from wengert.errors import UnsupportedFunction

X = np.array([[3.0, 1.0, 2.0], [-1.0, 0.5, 4.0]])
GAPS = np.array([[1.0, np.nan, 2.0, -3.0], [np.nan, 5.0, np.nan, 0.5], [np.nan, np.nan, np.nan, np.nan]])

WITHOUT_A_RULE = {"polyfit", "busday_count", "busday_offset", "datetime_as_string", "is_busday"}
"""Least squares, which are to come with linear algebra, and dates."""


def test_little_is_left_out():
    dispatching = {name for name in dir(np) if hasattr(getattr(np, name), "_implementation")}
    assert {name for name in dispatching if getattr(np, name) not in FUNCTIONS} == WITHOUT_A_RULE


def test_what_is_left_out_says_so():
    with pytest.raises(UnsupportedFunction, match=r"np\.polyfit has no derivative rule"):
        np.polyfit(wg.tensor(X[0]), X[1], 1)
    with pytest.raises(UnsupportedFunction, match=r"np\.poly of a matrix"):
        np.poly(wg.tensor(X[:, :2]))


ANSWERS = {
    "array_equal": lambda x: np.array_equal(x, X),
    "array_equal, not": lambda x: np.array_equal(x, X + 1.0),
    "array_equal, NaN": lambda x: np.array_equal(x * np.nan, X * np.nan, equal_nan=True),
    "array_equiv": lambda x: np.array_equiv(x[:1], x),
    "allclose": lambda x: np.allclose(x, X + 1e-12),
    "isclose": lambda x: np.isclose(x, 1.0),
    "array2string": lambda x: np.array2string(x, precision=1, separator=","),
    "array_str": lambda x: np.array_str(x),
    "argmax": lambda x: np.argmax(x, axis=0),
    "argwhere": lambda x: np.argwhere(x > 1.0),
    "nonzero": lambda x: np.nonzero(x - 1.0),
    "flatnonzero": lambda x: np.flatnonzero(x - 1.0),
    "count_nonzero": lambda x: np.count_nonzero(x - 1.0, axis=1),
    "digitize": lambda x: np.digitize(x, [0.0, 1.0, 2.5]),
    "searchsorted": lambda x: np.searchsorted([0.0, 1.0, 2.5], x, side="right"),
    "bincount": lambda x: np.bincount(x[0].astype(int), minlength=5),
    "bincount, weights": lambda x: np.bincount([0, 2, 2], x[0]),
    "histogram": lambda x: np.histogram(x, 3),
    "histogram, edges": lambda x: np.histogram(x, [0.0, 1.0, 2.0]),
    "histogram, density": lambda x: np.histogram(x, "sturges", density=True),
    "histogram, range": lambda x: np.histogram(x, 4, (0.0, 3.0), weights=X),
    "histogram of nothing": lambda x: np.histogram(x[:0], 2),
    "histogram of equals": lambda x: np.histogram(x * 0.0, 2),
    "histogram2d": lambda x: np.histogram2d(x[0], x[1], [2, 3]),
    "histogramdd": lambda x: np.histogramdd(x.T, 2, density=True),
    "histogram_bin_edges": lambda x: np.histogram_bin_edges(x, "auto"),
    "isin": lambda x: np.isin(x, [1.0, 4.0]),
    "lexsort": lambda x: np.lexsort(x),
    "argsort": lambda x: np.argsort(x, axis=None),
    "argpartition": lambda x: np.argpartition(x, 1),
    "iscomplexobj": lambda x: np.iscomplexobj(x),
    "isrealobj": lambda x: np.isrealobj(x),
    "result_type": lambda x: np.result_type(x, np.float32),
    "can_cast": lambda x: np.can_cast(x.dtype, np.float32),
    "common_type": lambda x: np.common_type(x, np.float32(1.0)),
    "min_scalar_type": lambda x: np.min_scalar_type(x),
    "shares_memory": lambda x: np.shares_memory(x, x[1:]),
    "may_share_memory": lambda x: np.may_share_memory(x, X.copy()),
    "shape": lambda x: (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1), len(x)),
    "isfortran": lambda x: (np.isfortran(x), np.isfortran(x.T)),
    "iterable": lambda x: (np.iterable(x), np.iterable(x[0, 0])),
    "isscalar": lambda x: np.isscalar(x),
    "tril_indices_from": lambda x: np.tril_indices_from(x),
    "ravel_multi_index": lambda x: np.ravel_multi_index(x.astype(int) % 2, (2, 2)),
    "einsum_path": lambda x: np.einsum_path("ij,kj->ik", x, x, optimize=True)[0],
    "format": lambda x: f"{x[0, 0]:.3f} {x[0]}",
    "ndenumerate": lambda x: [(place, float(v)) for place, v in np.ndenumerate(x)],
    "nditer": lambda x: [float(v) for v in np.nditer(x)],
    "base_repr": lambda x: np.base_repr(int(x[0, 0])),
    "format_float": lambda x: (np.format_float_positional(x[0, 1]), np.format_float_scientific(x[0, 1])),
    "unique": lambda x: np.unique(x > 1.0, return_counts=True),
    "packbits": lambda x: np.packbits(x > 1.0),
    "average": lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 3.0], returned=True),
    "cov": lambda x: np.cov(x, aweights=[1, 2, 3], fweights=[2, 1, 1]),
    "corrcoef": lambda x: np.corrcoef(x),
    "nanmedian": lambda x: np.nanmedian(x * GAPS[0, :3], axis=1, keepdims=True),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, [0, 1]),
    "emath": lambda x: (np.emath.sqrt(x), np.emath.log2(x + 2.0), np.emath.power(x, 2), np.emath.arccos(x)),
    "unique_all": lambda x: np.unique_all(x),
    "set functions": lambda x: (np.union1d(x, [7.0, 1.0]), np.setxor1d(x, [1.0, 9.0]), np.setdiff1d(x, [1.0])),
    "intersect1d": lambda x: np.intersect1d(x, [4.0, 1.0, 8.0], return_indices=True),
    "polynomials": lambda x: (np.polyadd(x[0], x[1, :2]), np.polymul(x[0], [0.0, 1.0]), np.poly(x[0]), np.roots(x[1])),
    "polydiv": lambda x: (*np.polydiv(x[0], x[1, :2]), *np.polydiv(x[1, :2], x[0]), *np.polydiv(x[0], [2.0])),
    "cross": lambda x: np.cross(x[0], x[1]),
}


def leaves(answer):
    return [y for part in answer for y in leaves(part)] if isinstance(answer, tuple | list) else [answer]


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_numpys(name):
    answer = ANSWERS[name]
    expected = answer(X)

    def check(found):
        assert type(found) is type(expected) or isinstance(found, wg.Tensor | np.generic)
        for y, z in zip(leaves(found), leaves(expected), strict=True):
            if isinstance(z, np.ndarray | np.generic | float):
                np.testing.assert_allclose(np.asarray(wg.stop_gradient(y)), z, rtol=1e-13, atol=1e-13)
                assert np.asarray(wg.stop_gradient(y)).dtype == np.asarray(z).dtype
            else:
                assert y == z

    check(answer(wg.tensor(X)))
    check(answer(wg.tensor(X, constant=True)))
    if name not in ("nditer", "ndenumerate"):  # which NumPy does not hand over, and which would lose the gradient
        wg.grad(lambda x: (check(answer(wg.stop_gradient(x))), np.sum(x))[1])(X)


def test_text_honours_the_print_options():
    with np.printoptions(precision=2, threshold=4, edgeitems=1):
        assert str(wg.tensor(X / 3.0)) == str(X / 3.0)
        assert repr(wg.tensor(X[0] / 3.0)) == repr(X[0] / 3.0).replace("array", "Tensor")
        assert np.array_repr(wg.tensor(X[0])) == np.array_repr(X[0])


def test_files(tmp_path):
    x = wg.tensor(X)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", a=x, b=x[0])
    np.savez_compressed(tmp_path / "y.npz", x)
    np.savetxt(tmp_path / "x.txt", x)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), X)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["b"], X[0])
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["arr_0"], X)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "x.txt"), X)
    np.info(x, output=io.StringIO())


def test_numpys_assertions():
    x, y = wg.tensor(X), wg.tensor(X)
    for check in (
        np.testing.assert_allclose,
        np.testing.assert_array_equal,
        np.testing.assert_array_almost_equal,
        np.testing.assert_array_almost_equal_nulp,
        np.testing.assert_array_max_ulp,
    ):
        check(x, y)
        check(x, X)
        with pytest.raises(AssertionError):
            check(x, y + 1.0)
    np.testing.assert_array_less(x, y + 1.0)
    np.testing.assert_approx_equal(x[0, 0], y[0, 0])
    np.testing.assert_almost_equal(x[0, 0], 3.0)
    np.testing.assert_allclose(x, X, strict=True)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("function", [np.nanmedian, np.nanquantile, np.nanpercentile], ids=lambda f: f.__name__)
def test_quantiles_of_arrays_with_gaps(function, axis):
    args = () if function is np.nanmedian else (np.array([[0.25, 0.5], [0.0, 1.0]]),)
    for keepdims in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = function(GAPS, *args, axis=axis, keepdims=keepdims)
            found = function(wg.tensor(GAPS), *args, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert found.shape == expected.shape
    if axis in (1,):
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            function(wg.tensor(GAPS), *args, axis=axis)
    with pytest.warns(RuntimeWarning):
        assert np.all(np.isnan(function(wg.tensor(GAPS[2]), *args)))


def test_the_derivative_by_numbers_beside_gaps():
    x = wg.tensor(GAPS)
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        y = np.nanquantile(x, 0.25, axis=1)
    np.sum(y[:2]).backward()
    np.testing.assert_allclose(x.grad, [[0.5, 0.0, 0.0, 0.5], [0.0, 0.25, 0.0, 0.75], [0.0] * 4])


def test_covariances_without_freedom():
    for call in (lambda m: np.cov(m, ddof=5), lambda m: np.cov(m[:, :1])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = call(X)
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
            np.testing.assert_array_equal(call(wg.tensor(X)), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.convolve(x, x), "one axis"),
        (lambda x: np.convolve(x[0], x[0, :0]), "empty"),
        (lambda x: np.convolve(x[0], x[0], "most"), "'full', 'same' or 'valid'"),
        (lambda x: np.cross(x[0], np.ones(4)), r"3 components; the shapes are \(3,\) and \(4,\)"),
        (lambda x: np.cov(x, fweights=[1, 2]), r"fweights of shape \(2,\) for 3 observations"),
        (lambda x: np.cov(x, aweights=[1, -2, 1]), "aweights can't be negative"),
        (lambda x: np.cov(x[None]), "one axis or two"),
        (lambda x: np.histogram2d(x[0], x[1, :2]), "x has 3 numbers and y 2"),
        (lambda x: np.polyint(x[0], 2, [1.0, 2.0, 3.0][:0]), "0 constants for 2"),
        (lambda x: np.polyder(x[0], -1), "np.polyint integrates"),
        (lambda x: np.roots(x), "one axis"),
        (lambda x: np.apply_over_axes(lambda a, axis: np.sum(a), x, 0), "0 axes where 2 were wanted"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call(wg.tensor(X))


def test_weights_that_count_are_whole():
    with pytest.raises(TypeError, match="fweights count observations"):
        np.cov(wg.tensor(X), fweights=[1.5, 1.0, 1.0])


def test_too_many_arguments():
    with pytest.raises(TypeError, match=r"np\.trace takes 5 arguments besides its arrays; 6 were given"):
        wg.tensor(X).trace(0, 0, 1, None, None, 7)
