"""The scalar functions of kernels (``wengert.compiler.functions``) as LLVM IR, for numbers and vectors of any width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.compiler.emit.ir import BOOL, Builder, Dtype, Value, literal, suffix_of, type_of
from wengert.compiler.functions import TRANSCENDENTAL

__all__ = ["Form", "VectorFunction", "cast", "combine", "compute", "is_called"]


class VectorFunction(NamedTuple):
    """A function of the vector-math module that emitted code calls."""

    fn: str
    dtype: Dtype
    width: int

    @property
    def symbol(self) -> str:
        """The name it is called by.

        >>> VectorFunction("exp", np.dtype(np.float64), 8).symbol
        'wg_exp_v8f64'
        """
        return f"wg_{self.fn}_{suffix_of(self.dtype, self.width)}"


def is_called(fn: str, dtype: Dtype) -> bool:
    """Whether a function is one of the vector-math module."""
    return fn in TRANSCENDENTAL or (dtype.kind == "f" and fn in ("floor_divide", "fmod", "remainder"))


class Form:
    """Writes instructions on numbers of one dtype at one width; everything is given and returned as text."""

    def __init__(self, builder: Builder, dtype: Dtype, width: int) -> None:
        self.builder, self.dtype, self.width = builder, dtype, width
        self.type = type_of(dtype, width)
        self.kind = dtype.kind
        self.bits = 8 * dtype.itemsize

    def constant(self, number: Any) -> str:
        """A literal in every lane."""
        return literal(number, self.dtype, self.width)

    def op(self, name: str, a: str, b: str) -> str:
        """An instruction of two operands."""
        return self.builder.new(f"{name} {self.type} {a}, {b}")

    def call(self, name: str, *args: str) -> str:
        """A function of LLVM's."""
        given = [(self.type, arg) for arg in args]
        return self.builder.intrinsic(f"llvm.{name}.{suffix_of(self.dtype, self.width)}", self.type, given)

    def compare(self, test: str, a: str, b: str) -> str:
        """``test`` is ``lt``, ``eq``, ... or, of floats, a predicate of LLVM's."""
        if self.kind == "f":
            predicate = {"ne": "une"}.get(test, f"o{test}") if len(test) == 2 else test
            return self.builder.new(f"fcmp {predicate} {self.type} {a}, {b}")
        predicate = test if test in ("eq", "ne") else ("s" if self.kind == "i" else "u") + test
        return self.builder.new(f"icmp {predicate} {self.type} {a}, {b}")

    def choose(self, condition: str, a: str, b: str) -> str:
        """Lane by lane, ``a`` where the condition holds, ``b`` elsewhere."""
        return self.builder.new(f"select {type_of(BOOL, self.width)} {condition}, {self.type} {a}, {self.type} {b}")

    def logical(self, name: str, a: str, b: str) -> str:
        """An instruction on conditions."""
        return self.builder.new(f"{name} {type_of(BOOL, self.width)} {a}, {b}")

    def signs(self, x: str) -> str:
        """Whether sign bits are set."""
        integer = type_of(np.dtype(f"int{self.bits}"), self.width)
        bits = self.builder.new(f"bitcast {self.type} {x} to {integer}") if self.kind == "f" else x
        zero = "0" if self.width == 1 else "zeroinitializer"
        return self.builder.new(f"icmp slt {integer} {bits}, {zero}")


Rule = Callable[..., str]
_RULES: dict[str, tuple[str, Rule]] = {}
"""The kinds of dtype that a function takes, and how it is written."""


def _rule(name: str, kinds: str) -> Callable[[Rule], Rule]:
    def enter(rule: Rule) -> Rule:
        _RULES[name] = kinds, rule
        return rule

    return enter


def _apply(f: Form, name: str, *args: str) -> str:
    kinds, rule = _RULES[name]
    if f.kind not in kinds:
        raise ValueError(f"Kernels have no {name} of {f.dtype}.")
    return rule(f, *args)


_ARITHMETIC: Mapping[str, Mapping[str, str]] = {
    "add": {"f": "fadd contract", "iu": "add", "b": "or"},
    "sub": {"f": "fsub contract", "iu": "sub"},
    "mul": {"f": "fmul contract", "iu": "mul", "b": "and"},
    "div": {"f": "fdiv"},
    "and": {"iub": "and"},
    "or": {"iub": "or"},
    "xor": {"iub": "xor"},
}
"""Functions that are one instruction, by kinds of dtype."""


def _arithmetic(instructions: Mapping[str, str]) -> Rule:
    by_kind = {kind: instruction for kinds, instruction in instructions.items() for kind in kinds}
    return lambda f, a, b: f.op(by_kind[f.kind], a, b)


def _test(name: str) -> Rule:
    return lambda f, a, b: f.compare(name, a, b)


def _rounding(name: str) -> Rule:
    return lambda f, x: f.call(name, x) if f.kind == "f" else x


for _name, _instructions in _ARITHMETIC.items():
    _RULES[_name] = "".join(_instructions), _arithmetic(_instructions)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _RULES[_name] = "fiub", _test(_name)
for _name, _kinds in (("floor", "fiub"), ("ceil", "fiub"), ("trunc", "fiub"), ("rint", "f")):
    _RULES[_name] = _kinds, _rounding(_name)


@_rule("neg", "fiu")
def _neg(f: Form, x: str) -> str:
    return f.builder.new(f"fneg {f.type} {x}") if f.kind == "f" else f.op("sub", f.constant(0), x)


@_rule("not", "iub")
def _not(f: Form, x: str) -> str:
    return f.op("xor", x, f.constant(True if f.kind == "b" else -1))


@_rule("abs", "fiub")
def _abs(f: Form, x: str) -> str:
    if f.kind == "f":
        return f.call("fabs", x)
    return f.choose(f.compare("lt", x, f.constant(0)), f.op("sub", f.constant(0), x), x) if f.kind == "i" else x


@_rule("sqrt", "f")
def _sqrt(f: Form, x: str) -> str:
    return f.call("sqrt", x)


@_rule("copysign", "f")
def _copysign(f: Form, a: str, b: str) -> str:
    return f.call("copysign", a, b)


@_rule("sign", "fiu")
def _sign(f: Form, x: str) -> str:
    zero, one = f.constant(0), f.constant(1)
    if f.kind == "u":
        return f.choose(f.compare("ne", x, zero), one, zero)
    rest = f.choose(f.compare("eq", x, zero), zero, x) if f.kind == "f" else zero
    below = f.choose(f.compare("lt", x, zero), f.constant(-1), rest)
    return f.choose(f.compare("gt", x, zero), one, below)


def _extremum(test: str, booleans: str, keep_nan: bool) -> Rule:
    """The larger or smaller of two. A comparison with NaN is false and gives ``b``, so only one side needs a test."""

    def rule(f: Form, a: str, b: str) -> str:
        if f.kind == "b":
            return f.op(booleans, a, b)
        chosen = f.choose(f.compare(test, a, b), a, b)
        if f.kind != "f":
            return chosen
        checked = a if keep_nan else b
        return f.choose(f.compare("uno", checked, checked), a, chosen)

    return rule


for _name, _smaller in (("max", False), ("min", True)):
    _pair = ("lt", "and") if _smaller else ("gt", "or")
    _RULES[f"{_name}imum"] = "fiub", _extremum(*_pair, keep_nan=True)
    _RULES[f"f{_name}"] = "fiub", _extremum(*_pair, keep_nan=False)


@_rule("isnan", "fiub")
def _isnan(f: Form, x: str) -> str:
    return f.compare("uno", x, x) if f.kind == "f" else literal(False, BOOL, f.width)


@_rule("isinf", "fiub")
def _isinf(f: Form, x: str) -> str:
    return f.compare("eq", f.call("fabs", x), f.constant(np.inf)) if f.kind == "f" else literal(False, BOOL, f.width)


@_rule("isfinite", "fiub")
def _isfinite(f: Form, x: str) -> str:
    return f.compare("lt", f.call("fabs", x), f.constant(np.inf)) if f.kind == "f" else literal(True, BOOL, f.width)


@_rule("signbit", "fiub")
def _signbit(f: Form, x: str) -> str:
    return f.signs(x) if f.kind in "fi" else literal(False, BOOL, f.width)


def _divisor(f: Form, a: str, b: str) -> tuple[str, str]:
    """Whether an integer divisor is 0, and a divisor that can't trap, with the right quotient wherever there is one."""
    zero = f.compare("eq", b, f.constant(0))
    unsafe = zero
    if f.kind == "i":
        least = f.compare("eq", a, f.constant(-(1 << (f.bits - 1))))
        unsafe = f.logical("or", zero, f.logical("and", least, f.compare("eq", b, f.constant(-1))))
    return zero, f.choose(unsafe, f.constant(1), b)


@_rule("fmod", "iu")
def _fmod(f: Form, a: str, b: str) -> str:
    zero, divisor = _divisor(f, a, b)
    return f.choose(zero, f.constant(0), f.op("srem" if f.kind == "i" else "urem", a, divisor))


@_rule("remainder", "iu")
def _remainder(f: Form, a: str, b: str) -> str:
    rest = _fmod(f, a, b)
    if f.kind == "u":
        return rest
    moved = f.logical("and", f.compare("ne", rest, f.constant(0)), f.signs(f.op("xor", rest, b)))
    return f.choose(moved, f.op("add", rest, b), rest)


@_rule("floor_divide", "iu")
def _floor_divide(f: Form, a: str, b: str) -> str:
    zero, divisor = _divisor(f, a, b)
    quotient = f.op("sdiv" if f.kind == "i" else "udiv", a, divisor)
    if f.kind == "i":
        rest = f.op("sub", a, f.op("mul", quotient, divisor))
        down = f.logical("and", f.compare("ne", rest, f.constant(0)), f.signs(f.op("xor", rest, b)))
        quotient = f.choose(down, f.op("sub", quotient, f.constant(1)), quotient)
    return f.choose(zero, f.constant(0), quotient)


def _shift(left: bool) -> Rule:
    """Shifts by the number of bits or more shift all out, also those by negative amounts."""

    def rule(f: Form, a: str, b: str) -> str:
        within = f.builder.new(f"icmp ult {f.type} {b}, {f.constant(f.bits)}")
        if f.kind == "i" and not left:
            return f.op("ashr", a, f.choose(within, b, f.constant(f.bits - 1)))
        amount = f.choose(within, b, f.constant(0))
        return f.choose(within, f.op("shl" if left else "lshr", a, amount), f.constant(0))

    return rule


for _name, _left in (("shl", True), ("shr", False)):
    _RULES[_name] = "iu", _shift(_left)

_COMBINE: Mapping[str, str] = {
    "sum": "add", "prod": "mul", "max": "maximum", "min": "minimum", "any": "or", "all": "and"
}  # fmt: skip


def combine(builder: Builder, kind: str, a: Value, b: Value) -> Value:
    """Two partial results of a reduction as one. ``b`` is what was there before: NaN in it stays at no cost."""
    form = Form(builder, b.dtype, b.width)
    return Value(b.dtype, b.width, _apply(form, _COMBINE[kind], a.text, b.text))


def compute(
    builder: Builder, fn: str, args: Sequence[Value], dtype: Dtype, natural: int, calls: set[VectorFunction]
) -> Value:
    """A scalar function of values. ``natural`` is the width at which numbers alone go through vector functions."""
    width = max([arg.width for arg in args])
    if fn == "cast":
        return cast(builder, args[0], dtype)
    texts = [builder.at(arg, width) for arg in args]
    if is_called(fn, dtype):
        return _called(builder, VectorFunction(fn, dtype, natural if width == 1 else width), args, texts, calls)
    if fn == "select":
        form = Form(builder, dtype, width)
        return Value(dtype, width, form.choose(*texts))
    if fn not in _RULES:
        raise ValueError(f"Kernels have no function {fn!r}; see wengert.compiler.functions.FUNCTIONS.")
    return Value(dtype, width, _apply(Form(builder, args[0].dtype, width), fn, *texts))


def _called(
    builder: Builder, function: VectorFunction, args: Sequence[Value], texts: list[str], calls: set[VectorFunction]
) -> Value:
    dtype, width = function.dtype, function.width
    if dtype.kind != "f":
        raise ValueError(f"Kernels have no {function.fn} of {dtype}; cast it to a float.")
    calls.add(function)
    kind = type_of(dtype, width)
    single = max([arg.width for arg in args]) == 1
    given = [(kind, builder.at(arg, width) if single else text) for arg, text in zip(args, texts, strict=True)]
    result = Value(dtype, width, builder.intrinsic(function.symbol, kind, given))
    return Value(dtype, 1, builder.lane(result, 0)) if single else result


def cast(builder: Builder, x: Value, dtype: Dtype) -> Value:
    """A value as another dtype, as ``astype`` does; floats beyond an integer's range give any integer."""
    old, width = x.dtype, x.width
    if old == dtype:
        return x
    source, target = type_of(old, width), type_of(dtype, width)
    if dtype.kind == "b":
        return Value(dtype, width, Form(builder, old, width).compare("ne", x.text, literal(0, old, width)))
    if old.kind == "b":
        return Value(
            dtype, width, Form(builder, dtype, width).choose(x.text, literal(1, dtype, width), literal(0, dtype, width))
        )
    if old.kind == "f" and dtype.kind == "f":
        name = "fpext" if dtype.itemsize > old.itemsize else "fptrunc"
    elif old.kind == "f":
        raw = builder.new(f"fpto{'s' if dtype.kind == 'i' else 'u'}i {source} {x.text} to {target}")
        return Value(dtype, width, builder.new(f"freeze {target} {raw}"))
    elif dtype.kind == "f":
        name = "sitofp" if old.kind == "i" else "uitofp"
    elif dtype.itemsize == old.itemsize:
        return Value(dtype, width, x.text, x.fixed)
    else:
        name = "trunc" if dtype.itemsize < old.itemsize else "sext" if old.kind == "i" else "zext"
    return Value(dtype, width, builder.new(f"{name} {source} {x.text} to {target}"))
