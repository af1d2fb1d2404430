"""What an array offers, a tensor offers: attributes, methods and their keywords, with NumPy's results."""

import copy
import ctypes
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConversionError, UnsupportedFunction
from wengert.testing import check_jacobian, check_orders, check_transpose

M = np.array([[3.0, 1.0, 2.0], [-1.0, 0.5, 4.0]])
W = np.array([[True, False, True], [True, True, False]])

NOT_OFFERED = {
    "__array_finalize__", "__array_wrap__", "__setstate__",  # for subclasses of ndarray and their pickles
    "__array_interface__", "__array_struct__",  # would be asked before __array__, and hand out memory without a word
}  # fmt: skip


def test_everything_is_offered():
    assert set(dir(np.ndarray)) - set(dir(wg.Tensor)) == NOT_OFFERED


def out(*shape, dtype=float):
    return np.full(shape, 9, dtype)


METHODS = {
    "all": [((), {}), ((0,), {}), ((), {"axis": 1, "keepdims": True}), ((), {"where": W})],
    "any": [
        ((), {}), ((0,), {}), ((), {"axis": 1, "keepdims": True}), ((), {"where": W}),
        ((0,), {"out": out(3, dtype=bool)}),
    ],
    "argmax": [((), {}), ((1,), {}), ((), {"axis": 0, "keepdims": True}), ((0, out(3, dtype=np.intp)), {})],
    "argmin": [((), {}), ((1,), {}), ((), {"axis": 0, "keepdims": True})],
    "argpartition": [((1,), {}), ((1, 0), {}), ((1,), {"axis": 0, "kind": "introselect"})],
    "argsort": [((), {}), ((0,), {}), ((), {"axis": None, "stable": True}), ((-1, "stable"), {})],
    "astype": [((np.float32,), {}), ((int,), {"casting": "unsafe"}), ((complex, "F"), {}), ((float,), {"copy": False})],
    "clip": [
        ((0.0, 2.5), {}), ((0.0,), {}), ((), {"max": 2.5}), ((None, 2.5), {}), ((0.0, 2.5, out(2, 3)), {}), ((), {}),
        ((), {"min": 0.0, "where": W, "out": out(2, 3)}), ((), {"min": 0, "max": 2, "dtype": np.float32}),
    ],
    "compress": [(([True, False],), {}), (([True, False], 0), {}), (([True, False, True], 1, out(2, 2)), {})],
    "conj": [((), {})],
    "conjugate": [((), {})],
    "copy": [((), {}), (("F",), {}), ((), {"order": "K"})],
    "cumprod": [((), {}), ((0,), {}), ((1, np.float32), {}), ((1, None, out(2, 3)), {})],
    "cumsum": [((), {}), ((0,), {}), ((1, None, out(2, 3)), {}), ((), {"axis": -1, "dtype": complex})],
    "diagonal": [((), {}), ((1,), {}), ((0, 1, 0), {})],
    "dot": [((np.ones(3),), {}), ((np.ones((3, 2)), out(2, 2)), {}), ((2.0,), {})],
    "flatten": [((), {}), (("F",), {}), ((), {"order": "A"})],
    "item": [((1,), {}), ((1, 2), {}), (((0, 1),), {})],
    "max": [
        ((), {}), ((0,), {}), ((0, out(3)), {}), ((1,), {"keepdims": True}), ((None,), {"initial": 1.0}),
        ((), {"axis": (0, 1), "initial": 7.0, "where": W}),
    ],
    "mean": [
        ((), {}), ((0,), {}), ((0, np.float32), {}), ((0, None, out(3)), {}), ((), {"axis": (0, 1), "keepdims": True}),
        ((), {"axis": 1, "where": W}),
    ],
    "min": [((), {}), ((0,), {}), ((1,), {"keepdims": True}), ((), {"initial": 7.0, "where": W})],
    "nonzero": [((), {})],
    "prod": [
        ((), {}), ((0, np.float32), {}), ((0, None, out(3)), {}),
        ((), {"axis": 1, "initial": 2.0, "where": W, "keepdims": True}),
    ],
    "ravel": [((), {}), (("F",), {}), (("K",), {})],
    "repeat": [((2,), {}), (([1, 2], 0), {})],
    "reshape": [
        ((3, 2), {}), (((6,),), {}), ((-1,), {"order": "F"}), ((3, 2), {"copy": True}), ((3, -1), {"copy": False}),
    ],
    "round": [((), {}), ((1,), {}), ((1, out(2, 3)), {}), ((), {"decimals": 1})],
    "squeeze": [((), {}), ((), {"axis": ()})],
    "std": [
        ((), {}), ((0,), {}), ((0, np.float32), {}), ((0, None, out(3), 1), {}), ((), {"where": W}),
        ((), {"axis": 1, "ddof": 1, "keepdims": True}), ((), {"axis": 0, "mean": M.mean(0, keepdims=True)}),
    ],
    "var": [
        ((), {}), ((0,), {}), ((0, np.float32), {}), ((0, None, out(3), 1), {}), ((), {"where": W}),
        ((), {"axis": 1, "ddof": 1, "keepdims": True}), ((), {"axis": 0, "mean": M.mean(0, keepdims=True)}),
    ],
    "sum": [
        ((), {}), ((0,), {}), ((0, np.float32), {}), ((0, None, out(3)), {}), ((), {"axis": (0, 1), "keepdims": True}),
        ((), {"axis": 1, "where": W, "initial": 2.0}),
    ],
    "swapaxes": [((0, 1), {}), ((-1, -2), {})],
    "take": [
        ((1,), {}), (([0, 5],), {}), (([0, 2], 1), {}), (([0, 7], None), {"mode": "wrap"}),
        (([0, 7],), {"mode": "clip"}), (([0, 2], 1, out(2, 2)), {}),
    ],
    "to_device": [(("cpu",), {})],
    "tobytes": [((), {}), (("F",), {})],
    "tolist": [((), {})],
    "trace": [((), {}), ((1,), {}), ((0, 0, 1, np.float32), {}), ((0, 0, 1, None, out()), {})],
    "transpose": [((), {}), ((1, 0), {}), (((1, 0),), {}), ((None,), {})],
    "view": [((), {}), ((float,), {}), (("f8",), {})],
}  # fmt: skip
CALLS = [pytest.param(m, *call, id=f"{m}-{k}") for m, calls in METHODS.items() for k, call in enumerate(calls)]


def with_outputs(args, kwargs, convert):
    """The arguments, those arrays that are to be written to converted."""

    def converted(x):
        is_out = (isinstance(x, np.ndarray) and x.size and bool(np.all(x == 9))) or (
            np.ndim(x) and x is kwargs.get("out")
        )
        return convert(x) if is_out else x

    return tuple(map(converted, args)), {name: converted(x) for name, x in kwargs.items()}


def outputs(args, kwargs):
    found = []
    with_outputs(args, kwargs, found.append)
    return found


@pytest.mark.parametrize(("method", "args", "kwargs"), CALLS)
@pytest.mark.parametrize("into", ["arrays", "tensors"])
def test_method(method, args, kwargs, into):
    args, kwargs = copy.deepcopy((args, kwargs))
    expected = getattr(M.copy(), method)(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    written = outputs(args, kwargs)
    if into == "tensors":
        args, kwargs = with_outputs(args, kwargs, lambda x: wg.tensor(x, constant=True))
    x = wg.tensor(M, constant=bool(written) and into == "arrays")
    found = getattr(x, method)(*args, **kwargs)
    assert type(found) is type(expected) or isinstance(found, wg.Tensor)
    if isinstance(expected, np.ndarray | np.generic):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
        for target in outputs(args, kwargs):
            np.testing.assert_array_equal(target, expected)
    else:
        assert np.all(np.equal(found, expected))


CONSTANT = {"all", "any", "item", "nonzero", "round", "to_device", "tobytes", "tolist"}
VARIED = [
    pytest.param(method, *call, id=f"{method}-{k}")
    for method, calls in METHODS.items()
    for k, call in enumerate(calls)
    if method not in CONSTANT
    and not method.startswith("arg")
    and not outputs(*call)
    and not any(isinstance(x, type) for x in (*call[0], *call[1].values()))
]


@pytest.mark.parametrize(("method", "args", "kwargs"), VARIED)
def test_derivative_of_a_method(method, args, kwargs):
    def called(x):
        return getattr(x, method)(*args, **kwargs)

    check_jacobian(called, (M,))
    check_transpose(called, (M,))
    check_orders(called, (M,), order=2)


def test_where_a_method_writes_a_tensor_the_gradient_goes():
    x = wg.tensor(M)
    target = wg.tensor(np.zeros(3))
    x.sum(axis=0, out=target)
    np.sum(target * [1.0, 2.0, 3.0]).backward()
    np.testing.assert_array_equal(x.grad, [[1.0, 2.0, 3.0]] * 2)


def test_other_arguments_of_choose_searchsorted_and_put():
    positions = wg.tensor([2, 0, 1, 0])
    rows = wg.tensor(np.arange(12.0).reshape(3, 4))
    y = positions.choose(list(rows))
    np.testing.assert_array_equal(y, np.array([2, 0, 1, 0]).choose(np.arange(12.0).reshape(3, 4)))
    y.backward()
    assert rows.grad.sum() == 4.0
    edges = wg.tensor([0.0, 1.0, 2.0])
    assert edges.searchsorted([0.5, 1.0], side="right").tolist() == [1, 2]
    x = wg.tensor(np.zeros(4))
    v = wg.tensor([1.0, 2.0])
    x.put([1, 7], v, mode="wrap")
    np.testing.assert_array_equal(x, [0.0, 1.0, 0.0, 2.0])
    np.sum(x * x).backward()
    np.testing.assert_array_equal(v.grad, [2.0, 4.0])


@pytest.mark.parametrize("name", ["sum", "mean", "max", "cumsum", "ravel", "copy", "flatten", "transpose", "squeeze"])
def test_constant_of_a_method(name):
    x = wg.tensor(M)
    assert getattr(x, name)(constant=True).constant
    assert not getattr(x, name)(constant=False).constant
    fixed = wg.tensor(M, constant=True)
    assert getattr(fixed, name)().constant
    assert not getattr(fixed, name)(constant=False).constant
    with pytest.raises(TypeError, match="constant must be"):
        getattr(x, name)(constant=1)
    with pytest.raises(ValueError, match="constant=False for a result of int64"):
        wg.tensor([[1, 2]]).cumsum(constant=False)


def test_constant_where_a_transformation_differentiates():
    assert wg.grad(lambda x: np.sum(x) * x.sum(constant=True))(np.ones(3)).tolist() == [3.0, 3.0, 3.0]
    assert wg.jvp(lambda x: x.reshape(3, constant=True) * x, (np.ones(3),), (np.ones(3),))[1].tolist() == [1.0] * 3


# What is asked


def test_attributes():
    for array in (M, M.T, M[::-1, ::2], np.array(2.0), np.zeros((0, 3)), np.arange(3), np.float32(1.0) * M):
        x = wg.tensor(array, copy=False)
        for name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides", "device"):
            assert getattr(x, name) == getattr(array, name), name
        for flag in ("c_contiguous", "f_contiguous", "fnc", "forc", "aligned"):
            assert getattr(x.flags, flag) == getattr(array.flags, flag), flag
        assert np.isfortran(x) == np.isfortran(array)


def test_one_element_is_a_number_however_many_axes_it_has():
    for x in (wg.tensor(2.0), wg.tensor([2.0]), wg.tensor([[2.0]])):
        assert float(x) == int(x) == complex(x) == 2.0
    for convert in (float, int, complex):
        with pytest.raises(TypeError):
            convert(wg.tensor([1.0, 2.0]))
        with pytest.raises(ConversionError):
            wg.grad(lambda x, convert=convert: convert(x))(np.ones((1, 1)))


def test_equality_with_what_is_no_number():
    x = wg.tensor([1.0, 2.0])
    for other in (None, "x"):
        np.testing.assert_array_equal(x == other, [False, False])
        np.testing.assert_array_equal(x != other, [True, True])
        assert wg.grad(lambda x, other=other: x if np.any(x != other) else 0.0)(1.0) == 1.0


def test_flags_say_whether_a_graph_keeps_the_array():
    x = wg.tensor(np.ones(3))
    assert x.flags.writeable
    y = x * x
    assert not x.flags.writeable
    y.backward()
    assert x.flags.writeable
    assert not np.broadcast_to(x, (2, 3)).flags.writeable


def test_setflags():
    x = wg.tensor(np.ones(3))
    x.setflags(write=False)
    assert not x.data.flags.writeable
    with pytest.raises(ValueError, match=r"setflags\(write=True\)"):
        x.setflags(write=True)
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1.0


def test_resize_to_as_many_elements():
    def program(x):
        y = x * 1.0
        column = y[:, 1]
        y.resize(3, 2)
        y[2] *= 3.0
        return np.sum(y * y) + np.sum(column)

    np.testing.assert_allclose(wg.grad(program)(M), 2.0 * M * [[1, 1, 1], [1, 9, 9]] + [[0, 1, 0], [0, 3, 0]])
    np.testing.assert_allclose(wg.jvp(program, (M,), (M,))[1], np.sum(wg.grad(program)(M) * M))
    x = wg.tensor(M)
    x.resize((6,))
    assert x.shape == (6,)


def test_type_parameters():
    assert wg.Tensor[int, float].__origin__ is wg.Tensor


# Plain data


def test_plain_data(tmp_path):
    x = wg.tensor(M)
    x.tofile(tmp_path / "raw")
    np.testing.assert_array_equal(np.fromfile(tmp_path / "raw").reshape(2, 3), M)
    x.tofile(tmp_path / "text", sep=",", format="%.1f")
    assert (tmp_path / "text").read_text() == "3.0,1.0,2.0,-1.0,0.5,4.0"
    x.dump(tmp_path / "pickled")
    np.testing.assert_array_equal(np.load(tmp_path / "pickled", allow_pickle=True), M)
    np.testing.assert_array_equal(pickle.loads(x.dumps()), M)
    assert x.ctypes.data == x.data.ctypes.data
    assert x.ctypes.data_as(ctypes.POINTER(ctypes.c_double))[5] == 4.0
    assert x.__array_namespace__() is np
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="cpu"):
        x.to_device("gpu")


def test_dlpack():
    x = wg.tensor(M)
    array = np.from_dlpack(x)
    assert np.shares_memory(array, x)
    np.testing.assert_array_equal(array, M)
    assert x.__dlpack_device__() == M.__dlpack_device__()


def test_memory_that_was_handed_out_is_guarded():
    x = wg.tensor(np.ones(3))
    array = np.asarray(x)
    y = x * x
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 5.0
    y.backward()
    array[0] = 5.0
    assert x[0] == 5.0


LEAKS = {
    "np.asarray": np.asarray,
    "item": lambda x: x.item(0),
    "tolist": lambda x: x.tolist(),
    "tobytes": lambda x: x.tobytes(),
    "dumps": lambda x: x.dumps(),
    "dump": lambda x: x.dump("nowhere"),
    "tofile": lambda x: x.tofile("nowhere"),
    "ctypes": lambda x: x.ctypes,
    "from_dlpack": np.from_dlpack,
    "setflags": lambda x: x.setflags(write=False),
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "complex": lambda x: complex(x[0]),
    "asarray of flat": lambda x: np.asarray(x.flat),
    "ascontiguousarray": np.ascontiguousarray,
    "ndenumerate": np.ndenumerate,
    "vectorize": lambda x: np.vectorize(lambda v: v + 1.0)(x),
    "as_strided": lambda x: np.lib.stride_tricks.as_strided(x, (2,), (8,)),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_detaches_what_a_transformation_differentiates(leak):
    def f(x):
        LEAKS[leak](x)
        return np.sum(x)

    with pytest.raises(ConversionError):
        wg.grad(f)(np.ones(3))
    with pytest.raises(ConversionError):
        wg.jvp(f, (np.ones(3),), (np.ones(3),))


@pytest.mark.parametrize(
    ("refused", "remedy"),
    [
        (lambda x: x.view(np.int64), "astype"),
        (lambda x: x.view(np.float32), "astype"),
        (lambda x: x.view(np.complex64), "astype"),
        (lambda x: x.view(np.matrix), r"x\.data"),
        (lambda x: x.view(type=np.ndarray), r"x\.data"),
        (lambda x: x.byteswap(), "newbyteorder"),
        (lambda x: x.getfield(np.float32, 4), r"x\.real"),
        (lambda x: x.setfield(1.0, np.float32), r"x\[\.\.\.\] = value"),
        (lambda x: x.resize(2, 2), r"np\.resize"),
    ],
)
def test_bytes_have_no_derivative(refused, remedy):
    with pytest.raises(UnsupportedFunction, match=remedy):
        refused(wg.tensor(M))


def test_a_view_with_another_dtype_needs_neighbours():
    z = wg.tensor(np.ones((2, 3)) * 1j)
    with pytest.raises(ValueError, match="contiguous"):
        z.T.view(float)
    with pytest.raises(ValueError, match="0d"):
        z[0, 0, ...].view(float)
    with pytest.raises(ValueError, match="divisor"):
        z.real.copy().view(complex)


def test_elements_are_not_deleted():
    with pytest.raises(ValueError, match=r"np\.delete"):
        del wg.tensor(M)[0]


def test_methods_flag_results_as_functions_do():
    x, c = wg.tensor([1.0, 2.0]), wg.tensor([1.0, 2.0], constant=True)
    for y in (x.sum(constant=True), wg.sum(x, constant=True)):
        assert y.constant
        assert y.creator is not None
        assert not x.data.flags.writeable
    for y in (c.reshape(2, 1, constant=False), wg.reshape(c, (2, 1), constant=False), c.squeeze(constant=False)):
        assert not y.constant
        assert np.shares_memory(y.data, c.data)
        assert c.constant
