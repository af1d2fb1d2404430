"""MyGrad's module paths: which names of wengert's stand in each."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["NAMES", "install", "look_up", "source_of"]

NAMES: dict[str, str] = {
    "computational_graph": "build_graph",
    "indexing_routines.funcs": "where",
    "linalg": "norm",
    "linalg.funcs": "einsum norm",
    "math.arithmetic.funcs": (
        "add add_sequence divide multiply multiply_sequence negative positive power reciprocal square subtract "
        "true_divide"
    ),
    "math.consts": "e euler_gamma inf nan newaxis pi",
    "math.exp_log.funcs": "exp exp2 expm1 log log10 log1p log2 logaddexp logaddexp2",
    "math.hyperbolic_trig.funcs": "arccosh arccoth arccsch arcsinh arctanh cosh coth csch sech sinh tanh",
    "math.misc.funcs": "abs absolute cbrt clip matmul maximum minimum multi_matmul sqrt",
    "math.nondifferentiable": "any argmax argmin",
    "math.sequential.funcs": "amax amin cumprod cumsum max mean min prod std sum var",
    "math.trigonometric.funcs": "arccos arccot arccsc arcsec arcsin arctan arctan2 cos cot csc sec sin sinc tan",
    "nnet": (
        "batchnorm constant conv_nd dirac elu focal_loss glorot_normal glorot_uniform glu gru hard_tanh he_normal "
        "he_uniform identity leaky_relu logsoftmax margin_ranking_loss max_pool multiclass_hinge "
        "negative_log_likelihood normal relu selu sigmoid soft_sign softmax softmax_crossentropy softmax_focal_loss "
        "tanh uniform"
    ),
    "nnet.activations": "elu glu hard_tanh leaky_relu logsoftmax relu selu sigmoid soft_sign softmax tanh",
    "nnet.initializers": "constant dirac glorot_normal glorot_uniform he_normal he_uniform identity normal uniform",
    "nnet.layers": "batchnorm conv_nd gru max_pool",
    "nnet.layers.conv": "conv_nd",
    "nnet.layers.pooling": "max_pool",
    "nnet.layers.utils": "sliding_window_view",
    "nnet.losses": (
        "focal_loss margin_ranking_loss multiclass_hinge negative_log_likelihood softmax_crossentropy "
        "softmax_focal_loss"
    ),
    "no_grad_funcs": (
        "allclose bincount can_cast ceil copyto divmod equal floor floor_divide fmod greater greater_equal isclose "
        "isfinite isinf isnan isnat less less_equal logical_and logical_not logical_or logical_xor may_share_memory "
        "min_scalar_type mod not_equal remainder result_type rint shape shares_memory sign signbit trunc"
    ),
    "random": "rand randint randn random random_sample ranf sample seed",
    "random.funcs": "rand randint randn random random_sample ranf sample seed",
    "tensor_base": "Tensor asarray astensor tensor",
    "tensor_creation.funcs": (
        "arange empty empty_like eye full full_like geomspace identity linspace logspace ones ones_like zeros "
        "zeros_like"
    ),
    "tensor_manip.array_shape.funcs": "atleast_1d atleast_2d atleast_3d broadcast_to expand_dims ravel reshape squeeze",
    "tensor_manip.tensor_joining.funcs": "concatenate stack",
    "tensor_manip.tiling.funcs": "repeat",
    "tensor_manip.transpose_like.funcs": "moveaxis roll swapaxes transpose",
    "typing": "ArrayLike DTypeLike DTypeLikeReals Index Mask Real Shape",
}
"""Path within ``mygrad``: the names that it has."""

SOURCES = {
    "computational_graph": "wengert.plotting",
    "linalg": "wengert.linalg",
    "nnet": "wengert.nnet",
    "nnet.activations": "wengert.nnet.activations",
    "nnet.initializers": "wengert.nnet.initializers",
    "nnet.layers": "wengert.nnet.layers",
    "nnet.losses": "wengert.nnet.losses",
    "random": "wengert.random",
    "typing": "wengert.typing",
    "nnet.layers.utils": "wengert",
}
"""Where the names below a path are found, if not in ``wengert`` itself; the longest path counts."""


_FILES_OF_FUNCTIONS = ("nnet.activations", "nnet.initializers", "nnet.layers", "nnet.losses")
"""Packages that have a module for each function, of the same name."""


class _Names(ModuleType):
    """A module of names that are looked up elsewhere when they are asked for."""

    def __init__(self, path: str, source: str, names: list[str]) -> None:
        super().__init__(path, f"The names of MyGrad's module ``{path.removeprefix('wengert.compat.')}``.")
        self.__path__: list[str] = []  # a package, so that modules may lie below it
        self.__all__ = names
        self._source = source

    def __getattr__(self, name: str) -> Any:
        if name not in self.__all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = look_up(self._source, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})


def look_up(source: str, name: str) -> Any:
    """``name`` of the module ``source``, or of ``wengert`` itself."""
    module = import_module(source)
    return getattr(module if hasattr(module, name) else import_module("wengert"), name)


def source_of(path: str) -> str:
    """The module of wengert's that has the names of MyGrad's module ``path``."""
    while path and path not in SOURCES:
        path = path.rpartition(".")[0]
    return SOURCES.get(path, "wengert")


def install(root: str) -> None:
    """Let every path of ``NAMES`` be importable below the package ``root``."""
    for path in NAMES:
        parts = path.split(".")
        for depth in range(1, len(parts) + 1):
            short = ".".join(parts[:depth])
            _add(root, short, NAMES.get(short, ""))
    for path in _FILES_OF_FUNCTIONS:
        for name in NAMES[path].split():
            _add(root, f"{path}.{name}", NAMES[path])


def _add(root: str, path: str, names: str) -> None:
    """Make one module, an attribute of the one above it unless that has a function of the name."""
    above, _, name = f"{root}.{path}".rpartition(".")
    if f"{root}.{path}" in sys.modules:
        return
    module = sys.modules[f"{root}.{path}"] = _Names(f"{root}.{path}", source_of(path), names.split())
    if name not in getattr(sys.modules[above], "__all__", ()):
        setattr(sys.modules[above], name, module)
