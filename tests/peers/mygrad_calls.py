"""Calls to make in MyGrad and in wengert, function by function; how what they give is compared."""

import warnings

import numpy as np

X = np.array([0.3, -1.2, 2.0])
P = np.array([0.3, 1.2, 2.0])
M = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
C = np.arange(24.0).reshape(2, 3, 4) / 10.0
FLAGS = np.array([True, False, True])

PLAIN = "plain"


class Call:
    """A call to make in both libraries. Floating-point arrays in it become tensors."""

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def __repr__(self):
        return ", ".join([*map(repr, self.args), *[f"{k}={v!r}" for k, v in self.kwargs.items()]])

    def run(self, library, name):
        """The result, and the tensors that were passed."""
        tensors = []

        def converted(x):
            if isinstance(x, np.ndarray) and x.dtype.kind == "f":
                tensors.append(library.tensor(x))
                return tensors[-1]
            return type(x)(map(converted, x)) if type(x) in (list, tuple) else x

        args = [converted(x) for x in self.args]
        kwargs = {k: converted(v) for k, v in self.kwargs.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MyGrad's
            return getattr(library, name)(*args, **kwargs), tensors


FLAGGED = [{}, {"constant": True}, {"constant": False}]
REDUCTIONS = [
    Call(X), Call(M), Call(M, 0), Call(M, 1, True), Call(M, (0, 1)), Call(M, axis=-1, keepdims=True), Call(x=M, axis=0),
    Call([1.0, 2.0]), Call([1, 2]), Call(M, constant=True), Call([1.0, 2.0], constant=False),
]  # fmt: skip
SPREADS = [
    Call(X), Call(M), Call(M, 0), Call(M, 1, 1), Call(M, 1, 1, True), Call(M, axis=1, ddof=1, keepdims=True), Call(x=M),
    Call(M, (0, 1)), Call([1, 2, 4]), Call(M, constant=True),
]  # fmt: skip
SEQUENCES = [
    Call(X, X),
    Call(X, 2.0, [1, 2, 3], M),
    Call(1, 2),
    Call(X, X, constant=True),
    Call([1.0], 2, constant=False),
]
ONE_AXIS = [
    Call(a=M, axis=0), Call(M), Call(M, 0), Call(M, axis=1), Call(X), Call([1, 2, 3]), Call(M, 0, constant=True),
]  # fmt: skip
AT_LEAST = [Call(np.array(2.0)), Call(X), Call(M), Call(X, 3, C), Call(2), Call(X, constant=True)]
LIKE = [
    Call(X),
    Call(M, np.float32),
    Call(M, shape=(2,)),
    Call(M, None, (3,)),
    Call([1, 2]),
    Call(other=X),
    Call(X, constant=True),
]
OF_SHAPE = [
    Call(3, np.float64),
    Call((2, 3), dtype=float),
    Call((), dtype=np.float32),
    Call((2,), dtype=int),
    Call([1, 2], float, constant=True),
]
TRIGONOMETRIC = [Call(X), Call(M), Call(0.7), Call([0.2, 0.4]), Call(X, constant=True), Call(0.5, constant=False)]
POSITIONS = [Call(X), Call(M, 0), Call(M, axis=1), Call([3, 1, 2])]
TWO = [Call(X, P)]
OUTSIDE = [Call(X + 4.0), Call(1.7), Call([2.0, 3.0]), Call(P + 1.0, constant=True), Call(-X - 4.0)]

CALLS = {
    **dict.fromkeys(("sum", "mean", "max", "min", "amax", "amin"), REDUCTIONS),
    "prod": [c for c in REDUCTIONS if "x" not in c.kwargs] + [Call(a=M, axis=0)],
    **dict.fromkeys(("std", "var"), SPREADS),
    **dict.fromkeys(("cumsum", "cumprod"), ONE_AXIS),
    **dict.fromkeys(("add_sequence", "multiply_sequence"), SEQUENCES),
    **dict.fromkeys(("atleast_1d", "atleast_2d", "atleast_3d"), AT_LEAST),
    **dict.fromkeys(("zeros_like", "ones_like"), LIKE),
    **dict.fromkeys(("zeros", "ones"), OF_SHAPE),
    **dict.fromkeys(("sec", "csc", "cot", "sech", "csch", "coth", "sinc", "arccot", "arccsch"), TRIGONOMETRIC),
    **dict.fromkeys(("arcsec", "arccsc", "arccoth"), OUTSIDE),
    "full": [
        Call(3, 2.0), Call((2, 3), 1), Call((2, 3), [1.0, 2.0, 3.0]), Call(2, 1, float), Call(2, 1.5, constant=True),
],
    "full_like": [
        Call(X, 2.0), Call(M, 2, np.float32), Call(M, 1, None, (3,)), Call(M, 1, None, (3,), True), Call([1, 2], 7.5),
        Call(other=X, fill_value=1.0), Call(X, 1.0, constant=True),
    ],
    "arange": [
        Call(3), Call(3.0), Call(1, 4), Call(1.0, 4.0, 0.5), Call(1, 4, 2), Call(stop=3),
        Call(0.0, 2.0, dtype=np.float32),
        Call(3.0, constant=True), Call(start=1.0, stop=3.0, step=0.5),
    ],
    "eye": [Call(3), Call(2, 3), Call(2, 3, 1), Call(2, 2, 0, int), Call(2, constant=True), Call(N=2, M=3, k=-1)],
    "identity": [Call(3), Call(2, np.float32), Call(2, int), Call(2, constant=True)],
    "linspace": [
        Call(0, 1, 5), Call(0.0, 1.0), Call(0, 1, 5, False), Call(0, 1, 5, True, np.float32),
        Call([0, 1], [2, 4], 3, axis=1),
        Call(0, 1, 5, True, None, 0), Call(0, 1, num=3, dtype=int), Call(0, 1, constant=True),
    ],
    "logspace": [
        Call(0, 1, 5), Call(0.0, 2.0, 4, False), Call(0, 1, 3, True, 2), Call(0, 1, 3, dtype=np.float32),
        Call(0, 1, constant=True),
],
    "geomspace": [
        Call(1, 100, 5), Call(1.0, 8.0, 4, False), Call(1, 9, 3, True, np.float32), Call(1, 9, constant=True),
],
    "tensor": [
        Call([1.0, 2.0]), Call(1), Call([1, 2], float), Call(X, constant=True), Call([1.0], ndmin=3),
        Call([1.0], dtype=np.float16),
],
    "Tensor": [Call([1.0, 2.0]), Call(1), Call([1, 2], dtype=float), Call(X, constant=True), Call([1.0], ndmin=3)],
    "astensor": [
        Call([1.0, 2.0]), Call(1), Call([1, 2], float), Call(X), Call(X, constant=True), Call(X, dtype=float),
        Call(True),
],
    "asarray": [
        Call([1.0, 2.0]), Call(1), Call([1, 2], float), Call(X), Call(X, np.float32), Call(X, None, "F"), Call([X, X]),
],
    "abs": [
        Call(X), Call(X, nan_to_num=True), Call(np.array([0.0, 1.0])), Call(np.array([0.0, 1.0]), nan_to_num=False),
        Call(x=X),
],
    "broadcast_to": [
        Call(X, (2, 3)), Call(np.array(1.0), (2,)), Call([1, 2], (2, 2)), Call(X, (2, 3), constant=True),
        Call(a=X, shape=(1, 3)),
],
    "clip": [
        Call(X, -0.5, 1.0), Call(M, None, 0.7), Call(M, -0.3, None), Call(X, np.array([-1.0, 0.5, 0.0]), 5),
        Call([1, 2, 3], 0, 2),
        Call(a=X, a_min=0.5, a_max=None), Call(X, 0, 1, constant=True), Call(X, 0.0, 1.0, None),
    ],
    "concatenate": [
        Call([X, X]), Call((M, M), 1), Call([M, M], axis=None), Call([X, [1.0]]), Call(tensors=[X, X]),
        Call([X, X], 0, None, np.float32),
        Call([X, X], dtype=np.float32), Call([[1, 2], [3]]), Call([X, X], constant=True),
    ],
    "stack": [
        Call([X, X]), Call((M, M), 1), Call([M, M], axis=-1), Call(tensors=[X, X]), Call([[1, 2], [3, 4]]),
        Call([X, X], constant=True), Call(M),
],
    "einsum": [
        Call("i,i", X, X), Call("ij,j->i", M, X), Call("ij->ji", M), Call("ij,kj->ik", M, M, optimize=True),
        Call(M, [0, 1], X, [1], [0]),
        Call("ij->", M), Call("...j,j", C, np.ones(4)), Call("i,i", [1, 2], [3, 4]), Call("i,i", X, X, constant=True),
        Call("ii->i", np.eye(3)),
    ],
    "expand_dims": [Call(X, 0), Call(X, axis=-1), Call([1, 2], 1), Call(X, 0, constant=True)],
    "matmul": [
        Call(M, X), Call(M, M.T.copy()), Call(X, X), Call(C, np.ones(4)), Call([1, 2], [3, 4]),
        Call(M, X, constant=True),
],
    "moveaxis": [
        Call(C, 0, 2), Call(C, (0, 1), (2, 0)), Call(C, source=0, destination=-1), Call(C, 0, 1, constant=True),
],
    "multi_matmul": [
        Call([M, X]), Call([M, M.T.copy(), M, X]), Call([X, M.T.copy(), M]), Call(tensors=[M, M.T.copy()]),
        Call([X, X]),
        Call([M, X], constant=True), Call([M, X], constant=False),
    ],
    "ravel": [Call(M), Call(X), Call([[1, 2]]), Call(M, constant=True)],
    "repeat": [
        Call(X, 2), Call(M, [1, 2, 0], 1), Call(M, 2, axis=0), Call([1, 2], 2), Call(X, 2, constant=True),
        Call(a=X, repeats=2),
],
    "reshape": [
        Call(M, 6), Call(M, (3, 2)), Call(M, (-1,)), Call(M, newshape=(3, 2)), Call([1, 2], (2, 1)),
        Call(M, 6, constant=True),
],
    "roll": [Call(X, 1), Call(M, 2, 1), Call(M, (1, 1), (0, 1)), Call(M, shift=1, axis=0), Call(X, 1, constant=True)],
    "squeeze": [
        Call(M[None]), Call(M[None, ..., None].copy(), 0), Call(M[:1].copy(), axis=(0,)), Call([[1]]),
        Call(M[None], constant=True),
],
    "swapaxes": [Call(C, 0, 1), Call(C, axis1=-1, axis2=0), Call([[1, 2]], 0, 1), Call(C, 0, 1, constant=True)],
    "transpose": [Call(C), Call(C, 2, 0, 1), Call(C, (2, 0, 1)), Call(X, 0), Call([[1, 2]]), Call(C, constant=True)],
    "where": [
        Call(FLAGS, X, P), Call(FLAGS, X, 0.0), Call(FLAGS, 1, 2), Call(FLAGS), Call([0, 1, 2]), Call(FLAGS, M, X),
        Call(FLAGS, X, P, constant=True),
        Call(condition=FLAGS, x=X, y=P), Call(True, X, 1), Call(FLAGS, 1.0, 2.0, constant=False),
    ],
    "any": [Call(X), Call(M > 1, 0), Call(FLAGS, axis=0, keepdims=True), Call([0, 0])],
    **dict.fromkeys(("argmax", "argmin"), POSITIONS),
    "allclose": [Call(X, X), Call(X, P), Call(X, X + 1e-3, 0.1), Call(X, X, rtol=0.0, atol=0.0)],
    "isclose": [Call(X, X), Call(X, P), Call(X, P, equal_nan=True)],
    "bincount": [Call([0, 2, 2]), Call(np.array([1, 1]), minlength=4), Call([0, 1, 1], [0.5, 1.0, 2.0])],
    "can_cast": [Call(np.float64, np.float32), Call(int, float), Call(np.float32, float, "no")],
    "min_scalar_type": [Call(3), Call(X), Call(1e300)],
    "result_type": [Call(X, np.float32), Call(3, 1.0)],
    "shape": [Call(M), Call(3), Call([[1, 2]])],
    **dict.fromkeys(("shares_memory", "may_share_memory"), TWO),
    "copyto": [Call(np.arange(3), [3, 4, 5]), Call(np.arange(3), 7, where=FLAGS)],
    "divmod": [Call(7, 3), Call([7, 8], [3, -3])],
    "sliding_window_view": [
        Call(np.arange(12), (3,), 2), Call(np.arange(24).reshape(4, 6), (2, 3), (1, 2)),
        Call(np.arange(24).reshape(4, 6), (2,), 1, 2),
        Call(np.arange(12), (3,), 2, (2,)), Call(np.arange(24).reshape(2, 3, 4), [2, 2], [1, 1], [1, 2]),
    ],
}  # fmt: skip


def described(library, y):
    """A result's value, and whether it is a variable, a constant or no tensor."""
    if isinstance(y, library.Tensor):
        return y.data, "constant" if y.constant else "variable"
    return y, PLAIN


def gradients(library, results, tensors):
    """Of each result that is a variable, the gradients by the tensors it was computed from."""
    found = []
    for y in results:
        if isinstance(y, library.Tensor) and not y.constant:
            y.backward()
            found.append([None if t.grad is None else np.array(t.grad) for t in tensors])
    return found


def assert_same(found, expected):
    """Fail unless both are the same value, of the same dtype and kind."""
    (y, kind), (z, expected_kind) = found, expected
    assert kind == expected_kind
    assert getattr(y, "dtype", type(y)) == getattr(z, "dtype", type(z))
    if isinstance(z, np.ndarray | np.generic | float):
        precision = 1e-12 if np.asarray(z).dtype.itemsize >= 8 else 1e-5
        np.testing.assert_allclose(y, z, rtol=precision, atol=precision)
        assert np.shape(y) == np.shape(z)
    else:
        assert y == z


def assert_same_gradients(found, expected, precision=1e-12):
    assert len(found) == len(expected)
    for g, h in zip(found, expected, strict=True):
        assert (g is None) == (h is None)
        if g is not None:
            assert g.dtype == h.dtype
            np.testing.assert_allclose(g, h, rtol=precision, atol=precision, strict=True)


# Ufuncs, and where their operands are drawn from

NEAR_ONE, POSITIVE, ANY, NONZERO = (-0.9, 0.9), (0.1, 5.0), (-5.0, 5.0), None
UNARY = {
    "abs": NONZERO, "absolute": NONZERO, "arccos": NEAR_ONE, "arccosh": (1.1, 5.0), "arcsin": NEAR_ONE, "arcsinh": ANY,
    "arctan": ANY, "arctanh": NEAR_ONE, "cbrt": NONZERO, "cos": ANY, "cosh": ANY, "exp": ANY, "exp2": ANY, "expm1": ANY,
    "log": POSITIVE, "log10": POSITIVE, "log1p": POSITIVE, "log2": POSITIVE, "negative": ANY, "positive": ANY,
    "reciprocal": NONZERO, "sin": ANY, "sinh": ANY, "sqrt": POSITIVE, "square": ANY, "tan": NEAR_ONE, "tanh": ANY,
}  # fmt: skip
BINARY = {
    "add": ANY, "arctan2": NONZERO, "divide": NONZERO, "logaddexp": ANY, "logaddexp2": ANY, "maximum": ANY,
    "minimum": ANY, "multiply": ANY, "power": POSITIVE, "subtract": ANY, "true_divide": NONZERO,
}  # fmt: skip
PREDICATES = {
    "isfinite": 1, "isinf": 1, "isnan": 1, "logical_not": 1, "signbit": 1, "equal": 2, "greater": 2, "greater_equal": 2,
    "less": 2, "less_equal": 2, "logical_and": 2, "logical_or": 2, "logical_xor": 2, "not_equal": 2,
}  # fmt: skip
ROUNDING = {"ceil": 1, "floor": 1, "rint": 1, "sign": 1, "trunc": 1, "floor_divide": 2}
REMAINDERS = {"fmod", "mod", "remainder"}
