"""Vector mathematics: errors against exact values, special values against NumPy's, every width."""

import itertools
import re

import mpmath
import numpy as np
import pytest
import scipy.special

from tests.jit.vector_loops import compiled
from wengert.compiler import vecmath

LIMIT = 1.5
"""What no function may exceed, in units in the last place."""

STATED = {
    name: (float(single), float(double))
    for name, single, double in re.findall(r"``(\w+)`` +(\d\.\d\d) +(\d\.\d\d)", vecmath.__doc__)
}
"""The largest errors of float32 and float64, as the documentation has them."""

EXACT = {
    "ceil": np.ceil, "floor": np.floor, "rint": np.rint, "trunc": np.trunc, "sqrt": np.sqrt, "fmod": np.fmod,
    "remainder": np.remainder, "floor_divide": np.floor_divide,
}  # fmt: skip

NUMPY = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "cbrt": np.cbrt, "pow": np.power, "atan2": np.arctan2, "hypot": np.hypot,
    "logaddexp": np.logaddexp,
}  # fmt: skip

DOUBLE = NUMPY | {
    "sigmoid": lambda x: np.where(x < 0, np.exp(x), 1) / (1 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
}
"""What float32 is measured against, computed in float64."""

MULTIPRECISION = {
    "exp": mpmath.exp, "exp2": lambda x: mpmath.mpf(2) ** x, "expm1": mpmath.expm1, "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2), "log10": lambda x: mpmath.log(x) / mpmath.log(10),
    "log1p": mpmath.log1p, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "asinh": mpmath.asinh,
    "acosh": mpmath.acosh, "atanh": mpmath.atanh, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "asin": mpmath.asin, "acos": mpmath.acos, "atan": mpmath.atan,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf, "erfc": mpmath.erfc, "pow": mpmath.power, "atan2": mpmath.atan2,
    "hypot": lambda x, y: mpmath.sqrt(x * x + y * y),
    "logaddexp": lambda x, y: max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y))),
}  # fmt: skip

UNARY = sorted(name for name in DOUBLE if vecmath.ARITY[name] == 1)
BINARY = sorted(name for name in DOUBLE if vecmath.ARITY[name] == 2)
DTYPES = pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)], ids=str)
DOMAINS = {
    "log": (0, np.inf), "log2": (0, np.inf), "log10": (0, np.inf), "log1p": (-1, np.inf), "acosh": (1, np.inf),
    "atanh": (-1, 1), "asin": (-1, 1), "acos": (-1, 1), "exp": (-745, 709.7), "exp2": (-1074, 1024),
    "expm1": (-50, 709.7), "sinh": (-710.4, 710.4), "cosh": (-710.4, 710.4), "sigmoid": (-745, 50),
    "softplus": (-745, 1e10), "erf": (-7, 7), "erfc": (-7, 27.2),
}  # fmt: skip
"""Where float64 is measured: where the function is defined, neither overflows nor stays at its limit."""


def neighbours(dtype, values, reach=40):
    """Numbers of a format around others, of either sign."""
    near = np.array(values, dtype)
    bits = near.view(f"i{dtype.itemsize}")[:, None] + np.arange(-reach, reach + 1, dtype=f"i{dtype.itemsize}")
    found = bits.reshape(-1).view(dtype)
    return np.concatenate([found, -found])


LANDMARKS = [
    *(k * np.log(2) / 2 for k in range(1, 60)), *(k * np.pi / 4 for k in range(1, 200)), 0.5, 1, 2, np.sqrt(0.5),
    np.sqrt(2), np.sqrt(2) - 1, np.sqrt(2) + 1, 4, 6, 8.67, 9.01, 10.05, 17, 18.37, 18.7, 36.7, 88.02, 88.72, 89.41,
    102.9, 2.0**-12, 2.0**-27, 2.0**16, 2.0**17, 2.0**18, 2.0**32,
]  # fmt: skip
"""Where formulas change, results overflow, or the last digits are hard."""


def float32_sample():
    """A million numbers: of every exponent, and around landmarks. No NaN."""
    spread = np.arange(0, 2**32, 4093, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = np.concatenate([spread, neighbours(np.dtype(np.float32), LANDMARKS)])
    return x[~np.isnan(x)]


def error32(y, expected):
    """Units in the last place by which float32 differs from what float64 says; 0 where it is correctly rounded."""
    with np.errstate(all="ignore"):
        same = (y == expected.astype(np.float32)) | (np.isnan(y) & np.isnan(expected))
        unit = np.ldexp(1.0, np.maximum(np.frexp(expected)[1] - 1, -126) - 23)
        return np.where(same, 0.0, np.nan_to_num(np.abs(y - expected) / unit, nan=np.inf, posinf=np.inf))


@pytest.mark.parametrize("name", UNARY)
def test_float32_over_its_whole_range(name):
    x = float32_sample()
    with np.errstate(all="ignore"):
        expected = DOUBLE[name](x.astype(np.float64))
    errors = error32(compiled(name, x.dtype)(x), expected)
    worst = np.argmax(errors)
    assert errors[worst] <= STATED[name][0], x[worst]


def pairs(name, rng, size, largest):
    """Arguments of a function of two; ``largest`` is the logarithm of the largest power."""
    spread = np.exp2(rng.uniform(-30, 30, (2, size)))
    a, b = rng.normal(size=(2, size)) * np.where(np.arange(size) % 2, spread, 1)
    match name:
        case "pow":
            log = rng.uniform(-largest, largest, size) * rng.choice([1, 1e-1, 1e-2, 1e-4], size)
            return np.exp(log), rng.uniform(-largest, largest, size) / log
        case "logaddexp":
            return rng.uniform(0, 80, (2, size))
    return a, b


@pytest.mark.parametrize("name", BINARY)
def test_float32_pairs(name):
    a, b = np.asarray(pairs(name, np.random.default_rng(1894), 2**18, 85), np.float32)
    with np.errstate(all="ignore"):
        expected = DOUBLE[name](a.astype(np.float64), b.astype(np.float64))
    errors = error32(compiled(name, a.dtype)(a, b), expected)
    worst = np.argmax(errors)
    assert errors[worst] <= STATED[name][0], (a[worst], b[worst])


def error64(name, y, *args):
    """Units in the last place by which one float64 differs from the exact value."""
    with mpmath.workprec(160):
        expected = MULTIPRECISION[name](*[mpmath.mpf(float(x)) for x in args])
        exponent = max(mpmath.frexp(expected)[1] - 1, -1022) if expected else -1022
        return float(abs(mpmath.mpf(float(y)) - expected) * mpmath.mpf(2) ** (52 - exponent))


def float64_sample(name, rng):
    """Numbers of all magnitudes and around landmarks, where the function is defined."""
    low, high = DOMAINS.get(name, (-np.inf, np.inf))
    bits = rng.integers(0, 2**63, 1000, dtype=np.int64).view(np.float64)
    x = np.concatenate(
        [
            bits, -bits, rng.uniform(-3, 3, 2000), rng.uniform(-40, 40, 1000), rng.uniform(-800, 800, 1000),
            rng.uniform(-2, 2, 1000) * np.exp2(-rng.integers(0, 60, 1000)), 1 + rng.normal(size=500) * 1e-7,
            neighbours(bits.dtype, LANDMARKS, 1)[::2],
        ]
    )  # fmt: skip
    return x[(x > low) & (x < high) & (x != 0)]


@pytest.mark.parametrize("name", UNARY)
def test_float64_against_many_digits(name):
    x = float64_sample(name, np.random.default_rng(1964))
    y = compiled(name, x.dtype)(x)
    errors = [error64(name, *sample) for sample in zip(y, x, strict=True)]
    assert len(errors) > 500
    worst = np.argmax(errors)
    assert errors[worst] <= STATED[name][1], x[worst]


@pytest.mark.parametrize("name", BINARY)
def test_float64_pairs_against_many_digits(name):
    a, b = pairs(name, np.random.default_rng(1964), 6000, 700)
    y = compiled(name, a.dtype)(a, b)
    errors = [error64(name, *sample) for sample in zip(y, a, b, strict=True)]
    worst = np.argmax(errors)
    assert errors[worst] <= STATED[name][1], (a[worst], b[worst])


def test_logaddexp_where_its_terms_cancel():
    """Errors are small next to the arguments."""
    rng = np.random.default_rng(7)
    a = rng.uniform(-8, 0, 2000)
    b = np.log1p(-np.exp(a)) + rng.normal(size=a.size) * 1e-6
    found = compiled("logaddexp", a.dtype)(a, b)
    for y, s, t in zip(found, a, b, strict=True):
        with mpmath.workprec(200):
            expected = MULTIPRECISION["logaddexp"](mpmath.mpf(float(s)), mpmath.mpf(float(t)))
            assert abs(y - expected) <= LIMIT * np.spacing(max(abs(s), abs(t)))


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_near_multiples_of_a_right_angle(name):
    """And the one nearest to such a multiple, 6381956970095103 · 2**797 (Muller, Elementary Functions, chapter 11)."""
    rng = np.random.default_rng(3)
    with mpmath.workprec(1300):
        multiples = [mpmath.mpf(int(rng.integers(1, 2**62))) * mpmath.mpf(2) ** int(k) for k in range(-60, 950, 2)]
        x = np.array([5.319372648326541e255, *(float(mpmath.nint(k + 1) * mpmath.pi / 2) for k in multiples)])
    y = compiled(name, x.dtype)(x)
    with mpmath.workprec(1300):
        exact = [MULTIPRECISION[name](mpmath.mpf(float(v))) for v in x]
    for v, found, expected in zip(x, y, exact, strict=True):
        assert abs(found - expected) <= LIMIT * np.spacing(abs(float(expected))), v


@DTYPES
def test_results_that_are_whole_are_exact(dtype):
    largest = 2 ** (np.finfo(dtype).nmant + 1)
    powers = [(a, k, a**k) for a in range(2, 60) for k in range(1, 50) if a**k <= largest]
    base, exponent, power = np.array(powers, dtype).T
    np.testing.assert_array_equal(compiled("pow", dtype)(base, exponent), power)
    squares = [(a * a, a) for a in range(2, 1000)]
    np.testing.assert_array_equal(
        compiled("pow", dtype)(*np.array([(x, 0.5) for x, _ in squares], dtype).T), np.array(squares, dtype)[:, 1]
    )
    whole = np.arange(-120, 120).astype(dtype)
    np.testing.assert_array_equal(compiled("exp2", dtype)(whole), np.ldexp(dtype.type(1), whole.astype(int)))
    np.testing.assert_array_equal(compiled("log2", dtype)(np.exp2(whole)), whole)
    np.testing.assert_array_equal(compiled("cbrt", dtype)(whole**3), whole)
    tens = [(float(10**k), k) for k in range(11)]
    np.testing.assert_array_equal(compiled("log10", dtype)(np.array(tens, dtype)[:, 0]), np.array(tens, dtype)[:, 1])
    np.testing.assert_array_equal(compiled("hypot", dtype)([3, 5, 8], [4, 12, 15]), [5, 13, 17])


SPECIAL = [
    0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1e5, -1e5, 1e30, -1e30,
    2.0**53, 2.0**60,
]  # fmt: skip


def special_values(dtype):
    info = np.finfo(dtype)
    edges = [info.max, info.tiny, info.smallest_subnormal, 1 + info.eps, 1 - info.epsneg]
    return np.array([*SPECIAL, *edges, *(-x for x in edges)], dtype)


def assert_special_alike(found, expected, args, terms=0):
    """Where either is zero, infinite or NaN, the other is the same; elsewhere both are close.

    ``terms`` are numbers besides the values whose rounding errors NumPy's results have.
    """
    info = np.finfo(expected.dtype)
    size = np.maximum(np.abs(expected), terms)
    for y, z, of, *x in zip(*[a.ravel() for a in (found, expected, size, *args)], strict=True):
        if np.isfinite(y) and np.isfinite(z) and y and z:
            assert abs(y / 2 - z / 2) <= 3 * max(info.eps * of, info.smallest_subnormal), x
        else:
            assert np.isnan(z) if np.isnan(y) else (y == z and np.signbit(y) == np.signbit(z)), x


@DTYPES
@pytest.mark.parametrize("name", sorted(NUMPY))
def test_special_values_are_numpys(name, dtype):
    x = special_values(dtype)
    args = [x] if vecmath.ARITY[name] == 1 else np.meshgrid(x, x)
    with np.errstate(all="ignore"):
        expected = NUMPY[name](*args)
    terms = np.max(np.nan_to_num(np.abs(args), posinf=0), axis=0) if name == "logaddexp" else 0
    assert_special_alike(compiled(name, dtype)(*args), expected, args, terms)


@DTYPES
@pytest.mark.parametrize(
    ("name", "at_minus_infinity", "at_infinity", "at_zero"),
    [
        ("sigmoid", 0.0, 1.0, (0.5, 0.5)),
        ("softplus", 0.0, np.inf, (np.log(2), np.log(2))),
        ("erf", -1.0, 1.0, (0.0, -0.0)),
        ("erfc", 2.0, 0.0, (1.0, 1.0)),
    ],
)
def test_special_values_of_functions_that_numpy_lacks(name, at_minus_infinity, at_infinity, at_zero, dtype):
    x = np.array([-np.inf, -1e30, np.inf, 1e30, 0.0, -0.0, np.nan], dtype)
    top = at_infinity if np.isfinite(at_infinity) else x[3]
    expected = np.array([at_minus_infinity, at_minus_infinity, at_infinity, top, *at_zero, np.nan], dtype)
    assert_special_alike(compiled(name, dtype)(x), expected, [x])


@DTYPES
@pytest.mark.parametrize("name", sorted(EXACT))
def test_exact_functions_are_numpys(name, dtype):
    rng = np.random.default_rng(11)
    word = f"i{dtype.itemsize}"
    info = np.iinfo(word)
    anything = [rng.integers(info.min, info.max, 20_000, dtype=word).view(dtype) for _ in range(2)]
    near = [rng.normal(size=20_000).astype(dtype) * scale for scale in (1000, 3)]
    whole = [rng.integers(-20, 20, 5_000).astype(dtype) for _ in range(2)]
    grid = [x.ravel() for x in np.meshgrid(special_values(dtype), special_values(dtype))]
    args = [np.concatenate(parts) for parts in zip(anything, near, whole, grid, strict=True)][: vecmath.ARITY[name]]
    with np.errstate(all="ignore"):
        expected = EXACT[name](*args)
    found = compiled(name, dtype)(*args)
    np.testing.assert_array_equal(found, expected)
    defined = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[defined]), np.signbit(expected[defined]))


@DTYPES
@pytest.mark.parametrize("width", [2, 32])
@pytest.mark.parametrize("name", sorted(vecmath.NAMES))
def test_width_does_not_matter(name, width, dtype):
    x = np.concatenate([np.random.default_rng(5).normal(size=60), special_values(dtype)]).astype(dtype)
    args = [x, x[::-1] * dtype.type(0.7)][: vecmath.ARITY[name]]
    with np.errstate(all="ignore"):
        expected = compiled(name, dtype)(*args)
        np.testing.assert_array_equal(compiled(name, dtype, width)(*args), expected)


def test_the_checkers_notice():
    one = np.float32(1)
    assert error32(one + 4 * np.finfo(np.float32).eps, np.float64(1)) == 4
    assert error32(np.float32(np.nan), np.float64(1)) == np.inf
    assert error32(np.float32(np.inf), np.float64(1)) == np.inf
    assert error64("exp", 1 + 2 * np.finfo(np.float64).eps, 0.0) == 2
    for found, expected in [
        (0.0, -0.0),
        (np.nan, 0.0),
        (0.0, np.nan),
        (np.inf, -np.inf),
        (1.0, 1.00001),
        (1.0, np.inf),
    ]:
        with pytest.raises(AssertionError):
            assert_special_alike(np.array([found]), np.array([expected]), [])


@DTYPES
def test_arithmetic_is_strict(dtype):
    """No instruction may be reordered or contracted: pairs live from rounding errors."""
    text = vecmath.module_ir(dtype, 8)
    assert re.search(r"\b(fast|reassoc|contract|nnan|ninf|nsz|arcp|afn)\b", text) is None
    assert "alloca" not in text


def test_functions_say_what_they_need():
    for name, dtype in itertools.product(vecmath.NAMES, (np.dtype(np.float32), np.dtype(np.float64))):
        function = vecmath.function_ir(name, dtype, 4)
        assert function.needs == ()
        called = set(re.findall(r"call [^@]*@([\w.]+)\(", function.text))
        declared = {re.search(r"@([\w.]+)\(", line)[1] for line in function.declarations}
        assert called == declared
        assert vecmath.symbol_ir(function.symbol) is function


def test_stated_errors():
    assert DOUBLE.keys() <= STATED.keys()
    assert all(0.5 <= error <= LIMIT for errors in STATED.values() for error in errors)


def test_names():
    assert vecmath.NAMES == EXACT.keys() | DOUBLE.keys() == vecmath.ARITY.keys()
    assert re.fullmatch("[0-9a-f]{16}", vecmath.VERSION)


def test_bad_requests():
    with pytest.raises(ValueError, match="name: there is no 'gamma'"):
        vecmath.function_ir("gamma", np.dtype(np.float64), 8)
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got float16"):
        vecmath.function_ir("exp", np.dtype(np.float16), 8)
    for width in (0, 1, 3, 12):
        with pytest.raises(ValueError, match=f"width: expected a power of two from 2 on, got {width}"):
            vecmath.function_ir("exp", np.dtype(np.float64), width)
    for symbol in ("exp", "wg_exp_v8f16", "wg_exp_8f64"):
        with pytest.raises(ValueError, match="symbol: expected one such as"):
            vecmath.symbol_ir(symbol)
    with pytest.raises(ValueError, match="name"):
        vecmath.symbol_ir("wg_gamma_v8f64")
