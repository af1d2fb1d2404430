"""MyGrad's ufuncs and wengert's, given the same operands: broadcast, of several dtypes, tensors, arrays and numbers."""

import warnings

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import mygrad as mg
import numpy as np
import pytest
from hypothesis import given, settings

import wengert as wg
from tests.peers.mygrad_calls import (
    ANY,
    BINARY,
    FLAGGED,
    FLAGS,
    NEAR_ONE,
    NONZERO,
    PREDICATES,
    REMAINDERS,
    ROUNDING,
    UNARY,
    P,
    X,
    assert_same,
    assert_same_gradients,
    described,
    gradients,
)


def numbers(domain):
    """Numbers from a domain, all far from each other, so that no two of them tie by rounding."""
    low, high = domain or (0.2, 5.0)
    count = int((high - low) / 0.05)
    steps = st.integers(0, count).map(lambda k: low + 0.05 * k)
    return steps if domain is not NONZERO else st.builds(lambda x, s: s * x, steps, st.sampled_from((-1.0, 1.0)))


@st.composite
def operands(draw, domain, count):
    """Arrays that broadcast together; each a tensor, a constant tensor, an array, a list or a number."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3)).input_shapes
    made = []
    for shape in shapes:
        dtype = draw(st.sampled_from((np.float64, np.float32)))
        array = draw(hnp.arrays(dtype, shape, elements=numbers(domain).map(dtype)))
        form = draw(st.sampled_from(("variable", "variable", "constant", "array", "list", "number", "integers")))
        if form == "integers":
            array = np.array(np.ceil(np.abs(array)), int) if domain not in (NEAR_ONE,) else np.zeros(shape, int)
        made.append((form, array if form != "number" else float(array.ravel()[0] if array.size else 0.5)))
    return made


def made_by(library, form, x):
    if form in ("variable", "constant"):
        return library.tensor(x, constant=form == "constant")
    return x.tolist() if form == "list" else x


def by_ufunc(library, name, given, **kwargs):
    """What a ufunc's call gives, and the gradients."""
    args = [made_by(library, form, x) for form, x in given]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MyGrad's
        y = getattr(library, name)(*args, **kwargs)
        variables = [a for a in args if isinstance(a, library.Tensor) and not a.constant]
        return described(library, y), gradients(library, [y], variables)


def weak_numbers(given):
    """Whether a Python number meets a float32, which it leaves as it is; in MyGrad the result is float64."""
    kinds = {np.asarray(x).dtype for form, x in given if form not in ("number", "list")}
    return np.dtype(np.float32) in kinds and any(np.ndim(x) == 0 and form in ("number", "list") for form, x in given)


def ties(given):
    """Whether two operands are equal somewhere, where the derivative of an extremum is a matter of convention."""
    return bool(np.any(np.equal(*[x for _, x in given])))


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_differentiable_ufunc(name):
    count = 1 if name in UNARY else 2

    @settings(max_examples=25)
    @given(operands({**UNARY, **BINARY}[name], count), st.sampled_from(FLAGGED))
    def compare(given, flag):
        if weak_numbers(given) or (name in ("maximum", "minimum") and ties(given)):
            return
        expected = outcome_or_error(mg, name, given, flag)
        found = outcome_or_error(wg, name, given, flag)
        if isinstance(expected, type):
            assert found is expected
            return
        assert_same(found[0], expected[0])
        precision = 1e-11 if expected[0][0].dtype == float and not has_float32(given) else 1e-4
        for g, h in zip(found[1], expected[1], strict=True):
            assert_same_gradients(g, h, precision)

    compare()


def has_float32(given):
    return any(np.asarray(x).dtype == np.float32 for _, x in given)


def outcome_or_error(library, name, given, flag):
    try:
        return by_ufunc(library, name, given, **flag)
    except (TypeError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize("name", PREDICATES)
def test_predicate(name):
    @settings(max_examples=15)
    @given(operands(ANY, PREDICATES[name]))
    def compare(given):
        if not weak_numbers(given):
            assert_same(by_ufunc(wg, name, given)[0], by_ufunc(mg, name, given)[0])

    compare()


# Documented differences


@pytest.mark.parametrize("name", ROUNDING)
def test_rounding_gives_tensors_and_takes_variables(name):
    """MyGrad's give plain arrays of constants and refuse variables; the derivative is 0 wherever there is one."""
    args = [X, P][: ROUNDING[name]]
    expected = getattr(mg, name)(*args)
    assert type(expected) is np.ndarray
    for made in (getattr(wg, name)(*args), getattr(wg, name)(*map(wg.tensor, args))):
        assert isinstance(made, wg.Tensor)
        assert made.constant
        np.testing.assert_array_equal(made.data, expected)
    with pytest.raises(ValueError, match="cannot involve non-constant"):
        getattr(mg, name)(*map(mg.tensor, args))


@pytest.mark.parametrize("name", sorted(REMAINDERS))
def test_remainders_are_differentiable(name):
    x = wg.tensor(X)
    y = getattr(wg, name)(x, P)
    np.testing.assert_array_equal(y.data, getattr(mg, name)(X, P))
    y.backward()
    np.testing.assert_array_equal(x.grad, 1.0)


def test_python_numbers_leave_the_dtype_as_it_is():
    x = np.ones(2, np.float32)
    assert wg.add(wg.tensor(x), 1.0).dtype == np.float32
    assert mg.add(mg.tensor(x), 1.0).dtype == np.float64


def test_ties_are_split():
    for library, share in ((wg, 0.5), (mg, 0.0)):
        x = library.tensor(1.0)
        library.maximum(x, 1.0).backward()
        assert x.grad == share


def test_where_without_a_target_is_zero_where_it_is_false():
    assert wg.exp(wg.tensor(X), where=FLAGS).data[1] == 0.0
