"""Vector mathematics: scalar functions of float32 and float64, written as LLVM IR for vectors of any width.

Kernels call these functions by name, ``wg_exp_v8f64``: one vector (or two) in, one out. Each is straight code without
loops or memory, in strict floating-point arithmetic; two kinds of rare argument take a branch (huge angles, quotients
beyond the format's digits). Zeros, infinities, NaN, denormal numbers and overflow give what NumPy gives, signs of
zeros included. Fused multiply-adds are taken for granted: on processors without them, LLVM calls the C library's.
``fmod``, ``remainder`` and ``floor_divide`` call its ``fmod`` in the rare branch.

``text.py`` writes IR, ``pairs.py`` does arithmetic in twice the digits, ``coefficients.py`` has the polynomials; each
other file is a family of functions.

The largest errors that were found, in units in the last place: for float32 at every 61st number (functions of two
arguments: at a million pairs), for float64 at some millions of numbers (``erf`` and ``erfc``: forty thousand), spread
over all magnitudes and dense where errors are large.

=============  =======  =======      =============  =======  =======
function       float32  float64      function       float32  float64
=============  =======  =======      =============  =======  =======
``acos``       0.62     0.62         ``hypot``      1.01     1.00
``acosh``      0.61     0.65         ``log``        0.81     0.82
``asin``       0.61     0.65         ``log10``      0.68     0.67
``asinh``      0.68     0.67         ``log1p``      0.67     0.66
``atan``       0.88     0.86         ``log2``       0.74     0.69
``atan2``      1.00     0.99         ``logaddexp``  0.59     0.56
``atanh``      0.70     0.68         ``pow``        1.01     1.03
``cbrt``       0.50     0.50         ``sigmoid``    0.79     0.78
``cos``        0.82     0.78         ``sin``        0.83     0.78
``cosh``       1.07     1.14         ``sinh``       0.93     0.81
``erf``        1.09     0.99         ``softplus``   1.08     1.06
``erfc``       1.12     1.08         ``sqrt``       0.50     0.50
``exp``        1.05     1.01         ``tan``        1.05     0.97
``exp2``       0.94     0.93         ``tanh``       1.01     1.01
``expm1``      1.16     1.10
=============  =======  =======      =============  =======  =======

``logaddexp`` is measured in units of the largest of ``|a|``, ``|b|`` and the result: near a result of 0, where the
terms cancel, it has fewer digits. Rounding, ``fmod``, ``remainder`` and ``floor_divide`` give NumPy's results exactly.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wengert.compiler.vecmath import (
    division,
    errorfunction,
    exponentials,
    hyperbolics,
    inverse_hyperbolics,
    inverse_trigonometry,
    logarithms,
    powers,
    trigonometry,
)
from wengert.compiler.vecmath.text import Code, Value, format_of

__all__ = ["ARITY", "NAMES", "VERSION", "FunctionIR", "function_ir", "module_ir", "symbol_ir"]

_BUILDERS: Mapping[str, Callable[..., Value]] = {
    "acos": inverse_trigonometry.acos,
    "acosh": inverse_hyperbolics.acosh,
    "asin": inverse_trigonometry.asin,
    "asinh": inverse_hyperbolics.asinh,
    "atan": inverse_trigonometry.atan,
    "atan2": inverse_trigonometry.atan2,
    "atanh": inverse_hyperbolics.atanh,
    "cbrt": powers.cbrt,
    "ceil": division.ceil,
    "cos": trigonometry.cos,
    "cosh": hyperbolics.cosh,
    "erf": errorfunction.erf,
    "erfc": errorfunction.erfc,
    "exp": exponentials.exp,
    "exp2": exponentials.exp2,
    "expm1": exponentials.expm1,
    "floor": division.floor,
    "floor_divide": division.floor_divide,
    "fmod": division.fmod,
    "hypot": powers.hypot,
    "log": logarithms.log,
    "log10": logarithms.log10,
    "log1p": logarithms.log1p,
    "log2": logarithms.log2,
    "logaddexp": logarithms.logaddexp,
    "pow": powers.power,
    "remainder": division.remainder,
    "rint": division.rint,
    "sigmoid": exponentials.sigmoid,
    "sin": trigonometry.sin,
    "sinh": hyperbolics.sinh,
    "softplus": logarithms.softplus,
    "sqrt": powers.sqrt,
    "tan": trigonometry.tan,
    "tanh": hyperbolics.tanh,
    "trunc": division.trunc,
}

NAMES = frozenset(_BUILDERS)
"""The functions."""

_TWO_ARGUMENTS = {"atan2", "floor_divide", "fmod", "hypot", "logaddexp", "pow", "remainder"}

ARITY: Mapping[str, int] = {name: 2 if name in _TWO_ARGUMENTS else 1 for name in _BUILDERS}
"""How many arguments each has."""


def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


VERSION = _version()
"""A name for all that is written here: it changes if any function may have changed."""


@dataclass(frozen=True, slots=True)
class FunctionIR:
    """A function as LLVM IR: its name, its definition, the intrinsics it declares, the other functions it calls."""

    symbol: str
    text: str
    declarations: frozenset[str]
    needs: tuple[str, ...] = ()


def function_ir(name: str, dtype: np.dtype[Any], width: int) -> FunctionIR:
    """The function of a name for vectors of ``width`` numbers, a power of two from 2 on.

    ``ValueError`` for a name that is not in ``NAMES``, for a dtype other than float32 and float64, for other widths.

    >>> import numpy as np
    >>> function = function_ir("rint", np.dtype(np.float64), 4)
    >>> print(function.text)
    define <4 x double> @wg_rint_v4f64(<4 x double> %a0) nounwind {
    entry:
      %v0 = call <4 x double> @llvm.rint.v4f64(<4 x double> %a0)
      ret <4 x double> %v0
    }
    <BLANKLINE>
    >>> sorted(function.declarations)
    ['declare <4 x double> @llvm.rint.v4f64(<4 x double>)']
    """
    if name not in NAMES:
        raise ValueError(f"name: there is no {name!r}; choose among {', '.join(sorted(NAMES))}.")
    if width < 2 or width & (width - 1):
        raise ValueError(f"width: expected a power of two from 2 on, got {width}.")
    return _written(name, np.dtype(dtype), width)


@functools.cache
def _written(name: str, dtype: np.dtype[Any], width: int) -> FunctionIR:
    code = Code(format_of(dtype), width)
    vector = code.type("f")
    arguments = [Value(code, f"%a{i}", "f") for i in range(ARITY[name])]
    result = _BUILDERS[name](code, *arguments)
    symbol = f"wg_{name}_v{width}{code.form.name}"
    parameters = ", ".join([f"{vector} {argument.text}" for argument in arguments])
    head = f"define {vector} @{symbol}({parameters}) nounwind {{"
    text = "\n".join([head, "entry:", *code.lines, f"  ret {vector} {result.text}", "}", ""])
    return FunctionIR(symbol, text, frozenset(code.declarations))


def symbol_ir(symbol: str) -> FunctionIR:
    """The function that a symbol names.

    >>> symbol_ir("wg_atan2_v8f32") is function_ir("atan2", np.dtype(np.float32), 8)
    True
    """
    match = re.fullmatch(r"wg_(\w+)_v(\d+)f(32|64)", symbol)
    if match is None:
        raise ValueError(f"symbol: expected one such as 'wg_exp_v8f64', got {symbol!r}.")
    return function_ir(match[1], np.dtype(f"float{match[3]}"), int(match[2]))


def module_ir(dtype: np.dtype[Any], width: int, names: Iterable[str] | None = None) -> str:
    """A module of functions, each visible from outside; of all, unless ``names`` says which.

    >>> [line for line in module_ir(np.dtype(np.float32), 16, ["exp", "log"]).splitlines() if "define" in line]
    ['define <16 x float> @wg_exp_v16f32(<16 x float> %a0) nounwind {',
     'define <16 x float> @wg_log_v16f32(<16 x float> %a0) nounwind {']
    """
    functions = [function_ir(name, dtype, width) for name in sorted(NAMES if names is None else set(names))]
    declarations = {line for function in functions for line in function.declarations}
    return "\n".join([*sorted(declarations), *[function.text for function in functions]])
