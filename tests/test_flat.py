"""``x.flat``: reading, writing and walking through it, as of arrays, and recorded."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConversionError
from wengert.testing import check_jacobian, check_orders

M = np.array([[3.0, 1.0, 2.0], [-1.0, 0.5, 4.0]])


def test_flat_reads():
    for array in (M, M.T, M[:, ::-1], np.array(2.0)):
        x = wg.tensor(array, copy=False)
        assert len(x.flat) == array.size
        assert [float(v) for v in x.flat] == list(array.flat)
        np.testing.assert_array_equal(x.flat.copy(), array.flat.copy())
        np.testing.assert_array_equal(x.flat[-1], array.flat[-1])
        np.testing.assert_array_equal(x.flat[...], array.flat[...])
        np.testing.assert_array_equal(x.flat[()], array.flat[()])
        assert x.flat.base is x
    x = wg.tensor(M)
    for index in (slice(1, 5), slice(None, None, -2), [0, 5, 0], np.array([[1, 2], [3, 4]]), np.int8(2), (3,), []):
        y = x.flat[index]
        np.testing.assert_array_equal(y, M.flat[index])
        assert not np.shares_memory(y, x)
    y = x.flat[wg.tensor([1, 2])]
    assert y.tolist() == [1.0, 2.0]


def test_flat_walks():
    places = wg.tensor(M).flat
    reference = M.flat
    for _ in range(M.size):
        assert (places.index, places.coords) == (reference.index, reference.coords)
        assert next(places) == next(reference)
    assert (places.index, places.coords) == (reference.index, reference.coords)
    assert list(places) == []
    assert list(wg.tensor(np.zeros((0, 3))).flat) == []


ASSIGNMENTS = [
    (slice(0, 5), [7.0, 8.0]),
    (slice(0, 2), [7.0, 8.0, 9.0]),
    (slice(0, 2), []),
    (..., [1.0, 2.0]),
    ([0, 0], [1.0, 2.0]),
    (slice(0, 3), 4.0),
    (3, 5.0),
    (-1, np.float64(2.5)),
    ([0, 4], [[1.0, 2.0], [3.0, 4.0]]),
    (slice(None, None, -2), [6.0, 7.0, 8.0]),
    (np.array([[5, 1], [0, 2]]), [1.0, 2.0, 3.0]),
]


@pytest.mark.parametrize(("index", "value"), ASSIGNMENTS)
def test_flat_writes(index, value):
    for layout in (lambda x: x, lambda x: x.T, lambda x: x[:, ::-1]):
        array = M.copy()
        layout(array).flat[index] = value
        x = wg.tensor(M)
        layout(x).flat[index] = value
        np.testing.assert_array_equal(x, array)

        def program(x, v, layout=layout):
            y = np.copy(x)
            layout(y).flat[index] = v
            return np.sum(y * np.arange(6.0).reshape(2, 3)) if np.size(v) else np.sum(x * x)

        check_jacobian(program, (M, np.array(value)))
        check_orders(lambda x, v: program(x * x, v * v), (M, np.array(value)), order=2)


def test_the_flat_setter():
    array, x = M.copy(), wg.tensor(M)
    array.flat = x.flat = [1.0, 2.0]
    np.testing.assert_array_equal(x, array)
    y = wg.tensor(M)
    x.flat = y.flat
    np.sum(x * x).backward()
    np.testing.assert_array_equal(y.grad, 2.0 * M)


def test_flat_as_an_operand():
    x = wg.tensor(M[0])
    a = M[0]
    for found, expected in [
        (x + x.flat, a + a.flat), (a + x.flat, a + a.flat), (2.0 * np.exp(x.flat), 2.0 * np.exp(a)),
        (np.sum(x.flat), 6.0),
        (np.concatenate([x.flat, x.flat]), [*a, *a]), (np.add(x.flat, x.flat), 2.0 * a), (np.dot(x.flat, a), a @ a),
        (x.flat == x.flat, [True] * 3), (x.flat < 2.5, a < 2.5), (x @ x.flat, a @ a),
    ]:  # fmt: skip
        np.testing.assert_array_equal(found, expected)
    assert 3.0 in x.flat
    x += x.flat
    np.testing.assert_array_equal(x, 2.0 * a)
    check_orders(lambda x: np.sum(np.sin(x.flat) * x) + sum(x.flat) ** 2, (a,), order=2)


def test_flat_is_not_detached():
    x = wg.tensor(M)
    with pytest.raises(ConversionError, match=r"np\.ravel"):
        np.asarray(x.flat)
    np.testing.assert_array_equal(np.asarray(wg.tensor(M, constant=True).flat), M.ravel())


@pytest.mark.parametrize("index", [6, -7, None, True, (1, 2), "a"])
def test_bad_index_of_flat(index):
    with pytest.raises(IndexError):
        wg.tensor(M).flat[index]
    with pytest.raises(IndexError):
        wg.tensor(M).flat[index] = 1.0


def test_bad_value_for_flat():
    x = wg.tensor(M)
    with pytest.raises(ValueError, match="one element"):
        x.flat[0] = [1.0, 2.0]
    with pytest.raises(TypeError, match="unhashable"):
        hash(x.flat)
    np.testing.assert_array_equal(x, M)
