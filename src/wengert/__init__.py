"""Gradients for NumPy code: never silently wrong, as fast as if derived by hand.

``wg.grad(f)`` and its relatives transform functions written with NumPy; ``wg.tensor`` makes an array that records what
is done to it. NumPy's functions also stand here under their own names and return tensors: ``wg.exp``, ``wg.sum``, ...
"""

import builtins as _builtins
import importlib as _importlib
from typing import Any

import numpy as np
from numpy import (
    bool_,
    complex64,
    complex128,
    double,
    e,
    euler_gamma,
    float16,
    float32,
    float64,
    half,
    inf,
    int8,
    int16,
    int32,
    int64,
    intp,
    longdouble,
    nan,
    newaxis,
    pi,
    single,
    uint8,
    uint16,
    uint32,
    uint64,
    uintp,
)

from wengert import errors
from wengert.arrays import Dual, Tensor, tensor
from wengert.arrays.additions import add_sequence, multi_matmul, multiply_sequence, sliding_window_view
from wengert.arrays.conversion import asarray, astensor
from wengert.arrays.creation import (
    arange,
    empty,
    eye,
    full,
    geomspace,
    identity,
    linspace,
    logspace,
    ones,
    zeros,
)
from wengert.arrays.functions import where
from wengert.arrays.likes import empty_like, full_like, ones_like, zeros_like
from wengert.arrays.namespace import find as _find
from wengert.arrays.namespace import names as _names
from wengert.arrays.switches import debug, mem_guard_off, mem_guard_on, no_autodiff
from wengert.arrays.ufuncs import ufunc
from wengert.core.masking import strict_cotangents
from wengert.core.modes import is_guard_on as mem_guard_active
from wengert.core.modes import turn_memory_guarding_off, turn_memory_guarding_on
from wengert.core.trees import tree_map
from wengert.io import load, save
from wengert.transforms import (
    cond,
    custom_gradient,
    fori_loop,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    scan,
    stop_gradient,
    value_and_grad,
    vjp,
    vmap,
    while_loop,
)

__version__ = "0.1.0"

__all__ = [
    "Dual",
    "Tensor",
    "add_sequence",
    "arange",
    "asarray",
    "astensor",
    "cond",
    "custom_gradient",
    "debug",
    "empty",
    "empty_like",
    "errors",
    "eye",
    "fori_loop",
    "full",
    "full_like",
    "geomspace",
    "grad",
    "hessian",
    "hvp",
    "identity",
    "jacobian",
    "jit",
    "jvp",
    "linspace",
    "load",
    "logspace",
    "mem_guard_active",
    "mem_guard_off",
    "mem_guard_on",
    "multi_matmul",
    "multiply_sequence",
    "no_autodiff",
    "ones",
    "ones_like",
    "profile",
    "save",
    "scan",
    "sliding_window_view",
    "stop_gradient",
    "strict_cotangents",
    "tensor",
    "tree_map",
    "turn_memory_guarding_off",
    "turn_memory_guarding_on",
    "ufunc",
    "value_and_grad",
    "vjp",
    "vmap",
    "where",
    "while_loop",
    "zeros",
    "zeros_like",
]

__all__ += [  # NumPy's own
    "bool_",
    "complex64",
    "complex128",
    "double",
    "e",
    "euler_gamma",
    "float16",
    "float32",
    "float64",
    "half",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "intp",
    "longdouble",
    "nan",
    "newaxis",
    "pi",
    "single",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintp",
]
# What an import of * would put in the place of a builtin, such as sum and max, is left out, as in NumPy.
__all__ += [name for name in _names(np) if name not in globals() and not hasattr(_builtins, name)]

_SUBMODULES = frozenset({"compat", "computational_graph", "linalg", "nnet", "plotting", "random", "testing", "typing"})
"""Modules that are loaded when one is first asked for, so that importing wengert stays quick."""

_ELSEWHERE = {"execute_op": "wengert.compat.mygrad", "jit": "wengert.compiler.jit", "profile": "wengert.profiling"}
"""Names whose modules are loaded when they are first asked for."""


def __getattr__(name: str) -> Any:
    """A submodule, or NumPy's function of that name, wrapped the first time it is asked for."""
    if name in _SUBMODULES:
        return _importlib.import_module(f"wengert.{name}")
    if name in _ELSEWHERE:
        found = getattr(_importlib.import_module(_ELSEWHERE[name]), name)
    else:
        found = _find(np, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_ELSEWHERE, *_names(np)})
