"""Every mistake that is named by the documentation has an error of its own: what, where and what to do."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import (
    ConversionError,
    InputError,
    InvalidBackprop,
    InvalidGradient,
    OutputError,
    TreeError,
    UnsupportedFunction,
    WengertError,
)

X = np.array([1.0, 2.0, 3.0])


def loss(x):
    return np.sum(x * x)


def says(error, *parts):
    """Expects ``error`` with a message that holds all of ``parts``."""

    class Expectation:
        def __enter__(self):
            self.raises = pytest.raises(error)
            self.caught = self.raises.__enter__()

        def __exit__(self, *exception):
            done = self.raises.__exit__(*exception)
            if done:
                for part in parts:
                    assert part in str(self.caught.value)
            return done

    return Expectation()


@pytest.mark.parametrize(
    "error",
    [ConversionError, InputError, InvalidBackprop, InvalidGradient, OutputError, TreeError, UnsupportedFunction],
)
def test_all_errors_have_a_common_base(error):
    assert issubclass(error, WengertError)
    assert error.__doc__


TRANSFORMS = {
    "grad": lambda f, x: wg.grad(f)(x),
    "value_and_grad": lambda f, x: wg.value_and_grad(f)(x),
    "vjp": lambda f, x: wg.vjp(f, x),
    "jvp": lambda f, x: wg.jvp(f, (x,), (x,)),
    "jacobian": lambda f, x: wg.jacobian(f)(x),
    "hessian": lambda f, x: wg.hessian(f)(x),
    "hvp": lambda f, x: wg.hvp(f, (x,), (x,)),
}
ALL = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
SCALAR = pytest.mark.parametrize(
    "transform", [TRANSFORMS[name] for name in ("grad", "value_and_grad", "hessian", "hvp")]
)


@SCALAR
def test_a_value_that_is_no_scalar(transform):
    with says(OutputError, "grad: square", "shape (3,)", "np.sum", "wg.jacobian", "wg.vjp"):

        def square(x):
            return x * x

        transform(square, X)


@SCALAR
def test_a_value_of_one_element_is_no_scalar(transform):
    with says(OutputError, "shape (1,)", "y[0]"):
        transform(lambda x: x[:1] * 1.0, X)


@SCALAR
def test_a_complex_value(transform):
    with says(OutputError, "complex128", "real number", "np.abs"):
        transform(lambda x: np.sum(x * 1j), X)


@SCALAR
def test_a_value_that_is_a_container(transform):
    with says(OutputError, "<lambda> returned"):
        transform(lambda x: (np.sum(x), np.sum(x)), X)


@ALL
def test_no_value(transform):
    with says(OutputError, "forgot returned None", "Did you forget a return statement?"):

        def forgot(x):
            np.sum(x)

        transform(forgot, X)


@ALL
@pytest.mark.parametrize("value", [3.0, 3, 1j, np.float64(2), np.array(2.0)])
def test_a_plain_number_as_value(transform, value):
    with says(OutputError, "returned the plain", type(value).__name__, "wg.tensor(value)"):
        transform(lambda x: value, X)


@ALL
def test_a_string_as_value(transform):
    with says(OutputError, "plain str 'done'", "has_aux"):
        transform(lambda x: "done", X)


@ALL
def test_an_object_inside_the_value(transform):
    with says(OutputError, "<lambda> returned"):
        transform(lambda x: {"y": np.sum(x), "z": object()}, X)


@ALL
@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        (3, "int64"),
        (True, "bool"),
        (np.arange(3), "int64"),
        (np.array([True]), "bool"),
        (np.float32([1]).astype(np.uint8), "uint8"),
        (np.int8(3), "int8"),
    ],
)
def test_integers_have_no_derivative(transform, x, dtype):
    with says(InputError, "argument 0", dtype, "x.astype(float)", "float(x)"):
        transform(loss, x)


@ALL
@pytest.mark.parametrize(
    ("x", "kind"),
    [
        ("text", "str"),
        (object(), "object"),
        (np.array([1.0, None]), "object"),
        (np.array(["a"]), "<U1"),
        (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
        ({1.0, 2.0}, "set"),
        (range(3), "range"),
        ((i for i in X), "generator"),
    ],
    ids=["string", "object", "object array", "string array", "dates", "set", "range", "generator"],
)
def test_other_things_have_no_derivative(transform, x, kind):
    with says(InputError, "argument 0", kind):
        transform(loss, x)


@pytest.mark.parametrize("transform", [wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian])
@pytest.mark.parametrize("argnums", [1, 2, -2, (0, 1), (0, -2)])
def test_argnums_out_of_range(transform, argnums):
    with says(InputError, f"argnums={argnums!r}", "loss", "1 positional argument"):
        transform(loss, argnums)(X)


@pytest.mark.parametrize("transform", [wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian])
def test_arguments_by_keyword_have_no_position(transform):
    with says(InputError, "0 positional argument", "not by keyword"):
        transform(loss)(x=X)


@pytest.mark.parametrize("argnums", ["x", 0.0, None, ("x",)])
def test_argnums_of_another_kind(argnums):
    with pytest.raises(TypeError, match="argnums"):
        wg.grad(loss, argnums)(X)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -1), ()])
def test_argnums_that_repeat_or_name_nothing(argnums):
    with says(InputError, "argnums"):
        wg.grad(loss, argnums)(X)


@pytest.mark.parametrize("transform", [wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian])
def test_a_value_instead_of_a_function(transform):
    with says(TypeError, "takes a function", "float64"):
        transform(loss(X))(X)


def test_a_value_instead_of_a_function_for_products():
    with says(TypeError, "takes a function"):
        wg.vjp(loss(X), X)
    with says(TypeError, "takes a function"):
        wg.jvp(loss(X), (X,), (X,))
    with says(TypeError, "takes a function"):
        wg.hvp(loss(X), (X,), (X,))


@pytest.mark.parametrize("value", [lambda x: np.sum(x), lambda x: (np.sum(x),), lambda x: (np.sum(x), 1, 2)])
def test_has_aux_needs_a_pair(value):
    with says(OutputError, "has_aux=True", "(value, aux)"):
        wg.grad(value, has_aux=True)(X)
    with says(OutputError, "has_aux=True", "(value, aux)"):
        wg.vjp(value, X, has_aux=True)
    with says(OutputError, "has_aux=True", "(value, aux)"):
        wg.jvp(value, (X,), (X,), has_aux=True)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: np.busday_count(x, x), "np.busday_count"),
        (lambda x: np.linalg.lstsq(x, x), "np.linalg.lstsq"),
    ],
    ids=["busday_count", "lstsq"],
)
def test_an_unsupported_function_is_named(function, name):
    with says(UnsupportedFunction, name, "wg.custom_gradient", "wg.stop_gradient"):
        function(wg.tensor(X))
    with says(UnsupportedFunction, name):
        wg.grad(function)(X)
    with says(UnsupportedFunction, name):
        wg.jvp(function, (X,), (X,))


def test_an_unsupported_ufunc_is_named():
    made = np.frompyfunc(lambda x: x, 1, 1)
    with says(UnsupportedFunction, made.__name__, "no derivative rule"):
        made(wg.tensor(X))


def test_storing_a_traced_result_in_a_plain_array():
    out = np.zeros(3)
    with says(UnsupportedFunction, "np.multiply(..., out=...)", "wg.tensor(array, constant=True)"):
        wg.grad(lambda x: np.sum(np.multiply(x, 2.0, out=out)))(X)
    np.testing.assert_array_equal(out, np.zeros(3))


def test_where_that_is_no_condition():
    with says(TypeError, "np.multiply: where= is an array of booleans; got float64"):
        np.multiply(wg.tensor(X), 2.0, where=X)


def test_operands_that_are_no_numbers():
    for other in ("text", np.array(["a"]), object()):
        with pytest.raises(TypeError):
            wg.tensor(X) * other


@pytest.mark.parametrize("shapes", [((3,), (2,)), ((2, 3), (2,))])
def test_shapes_that_do_not_broadcast(shapes):
    a, b = map(np.ones, shapes)
    with pytest.raises(ValueError, match="could not be broadcast"):
        wg.grad(lambda a: np.sum(a * b))(a)


def test_cotangents_of_a_wrong_shape_or_structure():
    _, pullback = wg.vjp(lambda x: x * x, X)
    for wrong in (np.ones(2), np.ones((1, 3)), 1.0):
        with says(InvalidGradient, "<lambda>", "(3,)", str(np.shape(wrong))):
            pullback(wrong)
    with says(InvalidGradient, "1 leaves", "got 2"):
        pullback((np.ones(3), np.ones(3)))
    with says(InvalidGradient, "numbers"):
        pullback(np.array(["a", "b", "c"]))
    _, pullback = wg.vjp(lambda x: {"a": x, "b": x}, X)
    with says(InvalidGradient, "2 leaves"):
        pullback(np.ones(3))
    with pytest.raises(InvalidGradient):
        pullback([np.ones(3), np.ones(3)])


def test_complex_cotangents_of_real_values():
    _, pullback = wg.vjp(lambda x: x * x, X)
    with says(InvalidGradient, "complex"):
        pullback(1j * np.ones(3))


def test_tangents_of_a_wrong_shape_or_structure():
    for wrong in (np.ones(2), np.ones((1, 3)), 1.0):
        with says(InputError, "jvp of loss", str(np.shape(wrong)), "(3,)"):
            wg.jvp(loss, (X,), (wrong,))
    with says(InputError, "1 leaves", "2"):
        wg.jvp(loss, (X,), (X, X))
    with says(InputError, "complex", "real"):
        wg.jvp(loss, (X,), (1j * X,))
    with says(InputError, "(x,)", "(t,)"):
        wg.jvp(loss, X, X)
    with pytest.raises(InputError):
        wg.jvp(lambda p: p["a"] * p["b"], ({"a": 1.0, "b": 2.0},), ((1.0, 1.0),))
    with pytest.raises(InputError):
        wg.jvp(loss, (X,), (np.array(["a", "b", "c"]),))


def test_an_index_out_of_range():
    with pytest.raises(IndexError, match="out of bounds"):
        wg.grad(lambda x: x[3])(X)


def test_a_traced_index():
    with pytest.raises((InputError, IndexError, ConversionError)):
        wg.grad(lambda x: X[x])(1.0)


def test_no_arguments_at_all():
    with says(InputError, "0 positional"):
        wg.grad(lambda: 1.0)()


def test_writing_into_a_read_only_view():
    with says(ValueError, "read-only", "copy"):
        np.broadcast_to(wg.tensor(X), (2, 3))[0, 0] = 1.0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(np.ma.array([3.0, 4.0, 5.0]) * x),
        lambda x: np.sum(x * np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])),
        lambda x: np.sum(np.ma.exp(x)),
        lambda x: np.sum(np.matrix([[1.0, 2.0, 3.0]]) * x[:, None]),
        lambda x: np.sum(x * np.array([1, 2, 3], object)),
        lambda x: np.sum(np.array([1, 2, 3], object) * x),
    ],
    ids=["masked * x", "x * masked", "ma.exp", "matrix", "x * objects", "objects * x"],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_with_an_arithmetic_of_their_own_are_refused(function):
    with pytest.raises((InputError, ConversionError)):
        wg.grad(function)(X)


def test_a_complex_cotangent_of_a_real_tensor():
    with says(InputError, "complex", "real"):
        wg.tensor(X).backward(1j * np.ones(3))
