"""NumPy's functions under wengert's name: what they return, the ``constant`` keyword, MyGrad's parameters."""

import builtins
import inspect
import pydoc
import subprocess
import sys

import numpy as np
import pytest

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, name_of, samples
from wengert.arrays.namespace import names
from wengert.core.trees import flatten
from wengert.ops.reciprocals import RECIPROCALS

X = np.array([0.3, -1.2, 2.0])
M = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])

FUNCTIONS = names(np)
TENSOR_FUNCTIONS = [n for n in FUNCTIONS if getattr(wg, n).__module__ == "wengert"]

MYGRAD = [
    "Tensor", "abs", "absolute", "add", "add_sequence", "allclose", "amax", "amin", "any", "arange", "arccos",
    "arccosh", "arccot", "arccoth", "arccsc", "arccsch", "arcsec", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "argmax", "argmin", "asarray", "astensor", "atleast_1d", "atleast_2d", "atleast_3d", "bincount", "bool_",
    "broadcast_to", "can_cast", "cbrt", "ceil", "clip", "concatenate", "copyto", "cos", "cosh", "cot", "coth", "csc",
    "csch", "cumprod", "cumsum", "divide", "divmod", "double", "e", "einsum", "empty", "empty_like", "equal", "errors",
    "euler_gamma", "exp", "exp2", "expand_dims", "expm1", "eye", "float16", "float32", "float64", "floor",
    "floor_divide", "fmod", "full", "full_like", "geomspace", "greater", "greater_equal", "half", "identity", "inf",
    "int16", "int32", "int64", "int8", "intp", "isclose", "isfinite", "isinf", "isnan", "isnat", "less", "less_equal",
    "linalg", "linspace", "load", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and",
    "logical_not", "logical_or", "logical_xor", "logspace", "longdouble", "matmul", "max", "maximum",
    "may_share_memory", "mean", "min", "min_scalar_type", "minimum", "mod", "moveaxis", "multi_matmul", "multiply",
    "multiply_sequence", "nan", "negative", "newaxis", "not_equal", "ones", "ones_like", "pi", "positive", "power",
    "prod", "random", "ravel", "reciprocal", "remainder", "repeat", "reshape", "result_type", "rint", "roll", "save",
    "sec", "sech", "shape", "shares_memory", "sign", "signbit", "sin", "sinc", "single", "sinh", "sliding_window_view",
    "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "tan", "tanh", "tensor", "transpose",
    "true_divide", "trunc", "typing", "ufunc", "uint16", "uint32", "uint64", "uint8", "uintp", "var", "where", "zeros",
    "zeros_like",
]  # fmt: skip
"""The public names of MyGrad, without the switches and what programs with operations of their own need."""


# Names


@pytest.mark.parametrize("name", MYGRAD)
def test_mygrads_names_resolve(name):
    assert getattr(wg, name) is getattr(wg, name)


def test_all_and_dir():
    assert len(set(wg.__all__)) == len(wg.__all__)
    assert set(wg.__all__) <= set(dir(wg))
    assert {"exp", "sum", "linalg", "random", "zeros", "float32"} <= set(dir(wg))
    assert all(hasattr(wg, name) for name in wg.__all__)


def test_import_of_everything_hides_no_builtin():
    scope = {}
    exec("from wengert import *", scope)  # noqa: S102 - the statement under test
    assert [name for name in vars(builtins) if name in scope and name != "__builtins__" and name[0] != "_"] == []
    assert scope["exp"] is wg.exp


def test_numpys_names_are_numpys_objects():
    for name in ("float32", "bool_", "complex128", "uintp", "longdouble", "pi", "e", "inf", "newaxis", "euler_gamma"):
        assert getattr(wg, name) is getattr(np, name)
    assert np.isnan(wg.nan)


def test_questions_are_numpys_functions():
    for name in ("argmax", "allclose", "shape", "any", "result_type", "shares_memory", "bincount", "copyto", "nonzero"):
        assert getattr(wg, name) is getattr(np, name)


def test_a_function_without_a_rule_is_named():
    with pytest.raises(AttributeError, match=r"numpy\.frombuffer has no derivative rule"):
        wg.frombuffer  # noqa: B018 - the attribute is looked up
    with pytest.raises(AttributeError, match="'wengert' has no attribute 'no_such_function'"):
        wg.no_such_function  # noqa: B018


@pytest.mark.parametrize("module", ["linalg", "random", "typing", "testing"])
def test_submodules_load_on_first_use(module):
    code = (
        f"import sys, wengert; assert 'wengert.{module}' not in sys.modules; "
        f"wengert.{module}; import wengert.{module} as m; assert wengert.{module} is m"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_does_not_load_numpys_generators():
    code = "import sys, wengert; dir(wengert); print('numpy.random' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Documentation


@pytest.mark.parametrize("name", TENSOR_FUNCTIONS)
def test_help_shows_signature_and_page(name):
    function = getattr(wg, name)
    assert "constant" in inspect.signature(function).parameters
    text = pydoc.plain(pydoc.render_doc(function))
    assert f"generated/numpy.{function.__name__}.html" in text or name in RECIPROCALS
    assert "constant=True" in text


# Results


def calls():
    """The table's sample calls of functions that wengert's own namespace has."""
    for function in FUNCTIONS_WITH_CASES:
        name = name_of(function)
        if name in TENSOR_FUNCTIONS:
            yield from (
                pytest.param(name, function, call, id=f"{name}-{k}") for k, call in enumerate(samples(function))
            )


CALLS = list(calls())


def inexact(result):
    return [
        y for y in flatten(result)[0] if isinstance(y, np.ndarray | np.generic | wg.Tensor) and y.dtype.kind in "fc"
    ]


@pytest.mark.parametrize(("name", "function", "call"), CALLS)
def test_of_plain_arrays(name, function, call):
    expected, found = function(*call.args, **call.kwargs), getattr(wg, name)(*call.args, **call.kwargs)
    ys, zs = flatten(found)[0], flatten(expected)[0]
    for y, z in zip(ys, zs, strict=True):
        if isinstance(y, wg.Tensor):
            assert y.dtype == np.asarray(z).dtype
            np.testing.assert_array_equal(y.data, z)
        else:
            np.testing.assert_array_equal(y, z)
    assert all(isinstance(y, wg.Tensor) for y in inexact(found))


@pytest.mark.parametrize(("name", "function", "call"), CALLS)
def test_of_tensors(name, function, call):
    """The same kinds of results in the same structure, whether arguments are tensors or plain arrays."""
    f, args = bind(getattr(wg, name), call)
    (ys, _), (zs, _) = flatten(f(*map(wg.tensor, args))), flatten(f(*args))
    for y, z in zip(ys, zs, strict=True):
        if name not in ("bincount", "ix_"):  # which answer with plain arrays where they can
            assert isinstance(y, wg.Tensor) == isinstance(z, wg.Tensor)
        np.testing.assert_allclose(np.asarray(y), np.asarray(z), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "function", "call"), CALLS)
def test_flags(name, function, call):
    f = getattr(wg, name)
    for flag in (None, True, False):
        if flag is False and any(
            np.asarray(y).dtype.kind not in "fc" for y in flatten(function(*call.args, **call.kwargs))[0]
        ):
            with pytest.raises(ValueError, match="constant=False"):
                f(*call.args, constant=False, **call.kwargs)
        else:
            made = f(*call.args, constant=flag, **call.kwargs)
            assert {y.constant for y in inexact(made)} <= {flag is not False}
    with pytest.raises(TypeError, match="constant must be True, False or None"):
        f(*call.args, constant=1, **call.kwargs)


def test_flag_of_a_result_of_variables():
    x = wg.tensor(X)
    assert not wg.exp(x).constant
    assert wg.exp(x, constant=True).constant
    y = wg.sum(x, constant=False)
    y.backward()
    np.testing.assert_array_equal(x.grad, 1.0)


def test_a_variable_made_of_constants_is_a_leaf():
    c = wg.tensor(X, constant=True)
    y = wg.reshape(c, (3, 1), constant=False)
    wg.sum(y * y).backward()
    np.testing.assert_array_equal(y.grad, 2.0 * X[:, None])
    assert c.constant
    assert np.shares_memory(y.data, c.data)


MAKES_VARIABLES = {"astype", "full_like", "ones_like", "zeros_like", "empty_like"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, int])
@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS_WITH_CASES if name_of(f) not in MAKES_VARIABLES], ids=name_of
)
@pytest.mark.filterwarnings("ignore")  # of integers and float16 in place of what the samples are for
def test_an_operation_on_constants_gives_constants(function, dtype):
    for call in samples(function):
        f, arrays = bind(function, call)
        given = [wg.tensor(x.real.astype(dtype), constant=True) for x in arrays]
        try:
            made = flatten(f(*given))[0]
        except (TypeError, ValueError, ZeroDivisionError):
            continue  # of no numbers of this kind
        assert all(y.constant for y in (*made, *given) if isinstance(y, wg.Tensor))


def test_an_operation_on_integers_gives_a_constant_tensor():
    assert isinstance(wg.add([1, 2], 3), wg.Tensor)
    assert wg.sum([1, 2]).constant
    assert wg.add(1, 2).data.dtype == int


@pytest.mark.parametrize("constant", [True, np.True_])
def test_constant_stops_every_derivative(constant):
    def f(x):
        return np.sum(x * wg.sin(x, constant=constant) * wg.sum(x, constant=constant))

    factor = np.sin(X) * X.sum()
    np.testing.assert_allclose(wg.grad(f)(X), factor, rtol=1e-14)
    np.testing.assert_allclose(wg.jvp(f, (X,), (np.ones(3),))[1], factor.sum(), rtol=1e-14)
    np.testing.assert_array_equal(wg.hessian(f)(X), 0.0)


def test_no_effect_of_constant_false_inside_a_transformation():
    assert wg.grad(lambda x: wg.exp(x, constant=False))(0.0) == 1.0


def test_derivatives_through_the_namespace():
    def f(x):
        return wg.sum(wg.exp(wg.concatenate([x, wg.sin(x)])) * wg.where(x[0] > 0, 2.0, 3.0))

    def g(x):
        return np.sum(np.exp(np.concatenate([x, np.sin(x)])) * np.where(x[0] > 0, 2.0, 3.0))

    np.testing.assert_array_equal(wg.hessian(f)(X), wg.hessian(g)(X))


# Sequences of tensors


@pytest.mark.parametrize("name", ["sum", "exp", "mean", "cumsum", "add", "sort"])
def test_lists_of_tensors_are_recorded(name):
    x = wg.tensor(2.0)
    args = ([[x, 1.0], [2.0, 3.0 * x]],) * getattr(getattr(np, name), "nin", 1)
    y = getattr(wg, name)(*args)
    assert not y.constant
    y.backward()
    assert x.grad is not None
    assert (
        wg.grad(lambda x: wg.sum(getattr(wg, name)([x, 2.0 * x], *args[1:][:0], *([1.0] if name == "add" else []))))(
            1.0
        )
        != 0
    )


def test_a_list_of_traced_values_as_one_argument():
    assert wg.grad(lambda x: wg.sum([x, 2.0 * x]))(1.0) == 3.0
    assert wg.grad(lambda x: wg.linalg.norm([3.0 * x, 4.0 * x]))(1.0) == 5.0
    assert wg.grad(lambda x: wg.sum(wg.where([True, False], [x, x], [0.0, 3.0 * x])))(1.0) == 4.0


def test_parts_that_are_no_tensors_become_some():
    y, z = wg.atleast_1d(wg.tensor(1.0), 2.0)
    assert not y.constant
    assert isinstance(z, wg.Tensor)


# MyGrad's parameters

MYGRADS_CALLS = [
    (lambda: wg.sum(M, 0, True), lambda: np.sum(M, 0, keepdims=True)),
    (lambda: wg.sum(x=M, axis=0), lambda: np.sum(M, axis=0)),
    (lambda: wg.max(M, None, True), lambda: np.max(M, keepdims=True)),
    (lambda: wg.std(M, 0, 1), lambda: np.std(M, 0, ddof=1)),
    (lambda: wg.var(M, 0, 1, True), lambda: np.var(M, 0, ddof=1, keepdims=True)),
    (lambda: wg.transpose(M, 1, 0), lambda: M.T),
    (lambda: wg.transpose(X, 0), lambda: X),
    (lambda: wg.reshape(M, newshape=(3, 2)), lambda: M.reshape(3, 2)),
    (lambda: wg.concatenate(tensors=[X, X]), lambda: np.concatenate([X, X])),
    (lambda: wg.concatenate([X, X], 0, None, np.float32), lambda: np.concatenate([X, X], dtype=np.float32)),
    (lambda: wg.stack(tensors=[X, X], axis=1), lambda: np.stack([X, X], 1)),
    (lambda: wg.broadcast_to(a=X, shape=(2, 3)), lambda: np.broadcast_to(X, (2, 3))),
    (lambda: wg.where(condition=X > 0, x=X, y=0.0), lambda: np.where(X > 0, X, 0.0)),
    (lambda: wg.clip(X, 0.0, 1.0, None), lambda: np.clip(X, 0.0, 1.0)),
    (lambda: wg.einsum(M, [0, 1], [1, 0], optimize=True), lambda: M.T),
]
NUMPYS_CALLS = [
    (lambda: wg.sum(M, 0, np.float32, None, True), lambda: np.sum(M, 0, np.float32, None, True)),
    (lambda: wg.sum(M, 0, None), lambda: np.sum(M, 0, None)),
    (lambda: wg.sum(a=M, initial=1.0, where=M > 0), lambda: np.sum(M, initial=1.0, where=M > 0)),
    (lambda: wg.max(M, 0, None, True), lambda: np.max(M, 0, None, True)),
    (lambda: wg.std(M, 0, None, None, 1, True), lambda: np.std(M, 0, None, None, 1, True)),
    (lambda: wg.var(M, 0, np.float32, None, 1), lambda: np.var(M, 0, np.float32, None, 1)),
    (lambda: wg.transpose(M, axes=(1, 0)), lambda: M.T),
    (lambda: wg.reshape(M, (3, 2), "F"), lambda: M.reshape((3, 2), order="F")),
    (lambda: wg.clip(X, min=0.0), lambda: np.clip(X, 0.0, None)),
    (lambda: wg.round(X, 1), lambda: np.round(X, 1)),
    (lambda: wg.stack([X, X], dtype=np.float32), lambda: np.stack([X, X], dtype=np.float32)),
]


@pytest.mark.parametrize(("call", "expected"), MYGRADS_CALLS + NUMPYS_CALLS)
def test_parameters(call, expected):
    y, z = call(), expected()
    assert y.dtype == z.dtype
    np.testing.assert_array_equal(y.data, z)


def test_where_without_choices_gives_positions():
    (positions,) = wg.where(wg.tensor([0.0, 2.0]))
    assert type(positions) is np.ndarray
    with pytest.raises(ValueError, match="got one choice"):
        wg.where([True], 1.0)


# Targets


def test_a_tensor_as_target_is_returned():
    x, target = wg.tensor(X), wg.zeros(3)
    assert wg.cumsum(x, out=target) is target
    assert wg.cumsum(x, out=target, constant=True) is target
    np.testing.assert_array_equal(target.data, np.cumsum(X))


def test_a_plain_target_of_plain_arrays_becomes_the_memory():
    target = np.zeros(3)
    y = wg.cumsum(X, out=target)
    assert y.data is target


def test_a_wrong_flag_changes_no_target():
    target = np.zeros(3)
    with pytest.raises(TypeError, match="constant must be"):
        wg.cumsum(X, out=target, constant="no")
    with pytest.raises(TypeError, match="constant must be"):
        wg.add(X, X, out=target, constant="no")
    np.testing.assert_array_equal(target, 0.0)


# Plain arrays


def test_arrays_that_constants_were_computed_from_are_held():
    for name, args in (("exp", 1), ("add", 2), ("sum", 1), ("where", 3), ("sec", 1), ("multiply_sequence", 2)):
        arrays = [X.copy() for _ in range(args)]
        y = getattr(wg, name)(*arrays)
        assert y.constant
        assert y.creator is not None
        assert not any(a.flags.writeable for a in arrays)
        del y
        assert all(a.flags.writeable for a in arrays)


def test_arrays_in_sequences_and_keywords_are_held():
    a, b = X.copy(), np.zeros(3)
    y = wg.concatenate([a, a])
    assert not a.flags.writeable
    del y
    z = wg.cumsum(a=a, out=b)
    assert not a.flags.writeable
    assert not b.flags.writeable
    del z
    assert a.flags.writeable
    assert b.flags.writeable


def test_nothing_is_held_where_nothing_is_recorded():
    a = X.copy()
    with wg.mem_guard_off:
        y = wg.exp(a)
        assert a.flags.writeable
    with wg.no_autodiff:
        y = wg.exp(a)
        assert a.flags.writeable
        assert y.creator is None
    y = wg.exp(a, constant=False)
    assert a.flags.writeable
    y.backward()
    np.testing.assert_array_equal(y.grad, 1.0)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: wg.reshape(a, (3, 2)),
        lambda a: wg.ravel(a),
        lambda a: wg.transpose(a, 1, 0),
        lambda a: wg.broadcast_to(array=a, shape=(2, 2, 3)),
        lambda a: wg.squeeze(a[None])[:, 1],
        lambda a: wg.split(a, 2)[1],
    ],
)
def test_a_view_of_an_array_is_a_view_of_a_tensor_over_it(view):
    a = M.copy()
    y = view(a)
    assert y.constant
    assert y.base.constant
    assert np.shares_memory(y.data, a)
    assert np.shares_memory(y.base.data, a)


def test_constant_results_keep_what_they_came_from():
    x = wg.tensor(X)
    y = wg.exp(x, constant=True)
    assert y.constant
    assert y.creator is not None
    y.backward()
    assert x.grad is None
    assert y.creator is None


def test_a_constant_view_of_a_constant_keeps_its_base():
    c = wg.tensor(M, constant=True)
    assert wg.reshape(c, 6, constant=True).base is c
