"""``wengert.linalg``: NumPy's functions of that name, which return tensors."""

import numpy as np
import pytest

import wengert as wg
from wengert import linalg

X = np.array([[3.0, 4.0], [0.0, 0.0]])


def test_functions_of_numpys_that_have_rules_are_there():
    assert {"norm", "vector_norm", "matrix_norm", "diagonal"} <= set(dir(linalg))
    for name in dir(linalg):
        if hasattr(np.linalg, name) and not name.startswith("_"):
            assert getattr(linalg, name) is getattr(linalg, name)
    with pytest.raises(AttributeError, match=r"'wengert\.linalg' has no attribute 'no_such_function'"):
        linalg.no_such_function  # noqa: B018 - the attribute is looked up


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, np.inf, -np.inf])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_is_numpys(ord, keepdims):  # noqa: A002
    x = np.array([[3.0, -4.0], [1.0, 2.0]])
    y = linalg.norm(x, ord, axis=1, keepdims=keepdims)
    assert y.constant
    np.testing.assert_array_equal(y.data, np.linalg.norm(x, ord, 1, keepdims))
    t = wg.tensor(x)
    linalg.norm(t, ord, axis=1, keepdims=keepdims).backward()
    np.testing.assert_array_equal(t.grad, wg.grad(lambda x: np.sum(np.linalg.norm(x, ord, axis=1)))(x))


def test_flags():
    assert linalg.norm(wg.tensor(X), constant=True).constant
    assert not linalg.norm(X, constant=False).constant
    assert linalg.vector_norm(wg.tensor(X), axis=1, constant=True).constant
    with pytest.raises(TypeError, match="constant must be"):
        linalg.norm(X, constant=1)


def test_kinks_are_passed_over_or_shown():
    x = wg.tensor(X)
    linalg.norm(x, axis=1).backward()
    np.testing.assert_allclose(x.grad, [[0.6, 0.8], [0.0, 0.0]])
    linalg.norm(x, axis=1, nan_to_num=False).backward()
    np.testing.assert_allclose(x.grad, [[0.6, 0.8], [np.nan, np.nan]])
    linalg.norm(x, 1, axis=1, nan_to_num=False).backward()
    np.testing.assert_allclose(x.grad, [[1.0, 1.0], [np.nan, np.nan]])


def test_names_and_documentation():
    assert linalg.vector_norm.__module__ == "wengert.linalg"
    assert "generated/numpy.linalg.vector_norm.html" in linalg.vector_norm.__doc__
