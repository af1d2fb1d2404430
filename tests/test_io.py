"""Tensors saved to files and loaded again."""

import io
import pathlib

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConversionError, InputError

X = np.array([[0.5, -1.0], [2.0, 3.0]])


def round_trip(tensor):
    file = io.BytesIO()
    wg.save(file, tensor)
    file.seek(0)
    return wg.load(file)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.complex128, np.int8, bool])
@pytest.mark.parametrize("shape", [(2, 2), (), (0, 3)])
def test_data(dtype, shape):
    x = wg.tensor(np.ones(shape, dtype))
    y = round_trip(x)
    assert type(y) is wg.Tensor
    assert y.dtype == dtype
    assert y.constant == x.constant
    assert y.grad is None
    np.testing.assert_array_equal(y.data, x.data, strict=True)


def test_gradient():
    x = wg.tensor(X)
    wg.sum(x**3).backward()
    y = round_trip(x)
    np.testing.assert_array_equal(y.grad, x.grad)
    wg.sum(y).backward()
    np.testing.assert_array_equal(y.grad, 1.0)


def test_gradient_where_nothing_is_recorded():
    x = wg.tensor(X)
    wg.sum(x**3).backward()
    with wg.no_autodiff:
        y = round_trip(x)
    np.testing.assert_array_equal(y.grad, x.grad)
    assert not y.constant
    assert wg.tensor(X).grad is None


def test_gradient_of_an_intermediate_value():
    x = wg.tensor(X)
    y = 2.0 * x
    wg.sum(y * y).backward()
    z = round_trip(y)
    np.testing.assert_array_equal(z.grad, 4.0 * X)
    assert z.creator is None


def test_constant():
    assert round_trip(wg.tensor(X, constant=True)).constant
    assert not round_trip(wg.tensor(X)).constant


def test_views_are_saved_alone():
    np.testing.assert_array_equal(round_trip(wg.tensor(X)[0]).data, X[0])


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_paths(tmp_path, kind):
    wg.save(kind(tmp_path / "x.npz"), wg.tensor(X))
    np.testing.assert_array_equal(wg.load(kind(tmp_path / "x.npz")).data, X)
    wg.save(kind(tmp_path / "y"), wg.tensor(X))
    np.testing.assert_array_equal(wg.load(kind(tmp_path / "y.npz")).data, X)


def test_an_open_file(tmp_path):
    path = tmp_path / "tensor.bin"
    with path.open("wb") as file:
        wg.save(file, wg.tensor(X))
    with path.open("rb") as file:
        np.testing.assert_array_equal(wg.load(file).data, X)


def test_files_written_elsewhere(tmp_path):
    np.savez(tmp_path / "x.npz", data=X, grad=2.0 * X)
    x = wg.load(tmp_path / "x.npz")
    assert not x.constant
    np.testing.assert_array_equal(x.grad, 2.0 * X)


def test_what_is_not_saved():
    with pytest.raises(InputError, match="got a ndarray"):
        wg.save(io.BytesIO(), X)
    with pytest.raises(ConversionError):
        wg.grad(lambda x: wg.save(io.BytesIO(), x))(1.0)


def test_what_is_not_loaded(tmp_path):
    with pytest.raises(FileNotFoundError):
        wg.load(tmp_path / "missing.npz")
    np.save(tmp_path / "single.npy", X)
    with pytest.raises(ValueError, match="a single array"):
        wg.load(tmp_path / "single.npy")
    np.savez(tmp_path / "other.npz", x=X)
    with pytest.raises(ValueError, match="no array called 'data'"):
        wg.load(tmp_path / "other.npz")
    np.savez(tmp_path / "shapes.npz", data=X, grad=X[0])
    with pytest.raises(ValueError, match=r"shape \(2, 2\), its gradient \(2,\)"):
        wg.load(tmp_path / "shapes.npz")


def test_pickles_are_refused(tmp_path):
    np.savez(tmp_path / "objects.npz", data=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        wg.load(tmp_path / "objects.npz")
    (tmp_path / "pickle.npz").write_bytes(b"\x80\x04N.")
    with pytest.raises(ValueError, match="pickle"):
        wg.load(tmp_path / "pickle.npz")
