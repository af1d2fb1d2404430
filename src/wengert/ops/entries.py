"""How an entry of the table is written.

Five words, after the kinds of operation. ``elementwise`` takes a ufunc and its partial derivatives; ``linear`` and
``multilinear`` a function and the transpose in each input; ``structured`` a function and its vector-Jacobian products;
``constant`` a function whose derivative is zero wherever it exists. ``composite`` says that a NumPy function is
computed from others. The names of a rule's parameters say what it needs: see ``wengert.core.op``.

Facts for the tests and the documentation stand beside the rules:

``domain``    of an elementwise function: where sample points are drawn from, by name; a tuple for two arguments
``analytic``  the function is holomorphic and takes complex arguments (so the complex step can check it)
``samples``   of other functions: given a random generator, a list of ``call(*args, **kwargs)`` at smooth points
``kinks``     pairs ``(call(...), (gradient by each varied argument, ...))`` where the derivative is a matter of
              convention (``docs/conventions.md``): the gradients of the sum of the result, exactly
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.aliasing import deliver
from wengert.core.dispatch import Box, apply
from wengert.core.op import Kind, Op, Partial, Rule
from wengert.core.registry import ALONE, register, register_function, register_ufunc
from wengert.ops.cases import elementwise_samples, enter

__all__ = ["composite", "constant", "elementwise", "linear", "multilinear", "structured"]


def elementwise(function: Callable[..., Any], **entry: Any) -> Op:
    """A ufunc and, for each input by name, its partial derivative: a rule of inputs and output, or 1 or -1.

    ``None`` says that the derivative by that input is zero. Any other function that treats elements alike is entered
    in the same way. Where the derivative of a function of complex numbers is no factor, ``jvps`` state it.

    >>> from wengert.core.registry import UFUNCS
    >>> UFUNCS[np.tanh].rules[0](y=0.5)  # the entry: elementwise(np.tanh, x=lambda y: 1 - y * y)
    0.75
    """
    partials, engine, facts = _split(entry)
    domain = facts.pop("domain", "real")
    domains = (domain,) * len(partials) if isinstance(domain, str) else domain
    enter(function, facts.pop("samples", None) or elementwise_samples(domains), **facts)
    op = _enter("elementwise", function.__name__, function, partials, engine)
    if isinstance(function, np.ufunc):
        return register_ufunc(function, op)
    register_function(function, bind(op, " ".join(partials)))
    return op


def linear(function: Callable[..., Any], signature: str = "", **entry: Any) -> Op:
    """A function linear in all its array inputs together, and the transpose in each.

    ``signature`` names NumPy's parameters in order, array inputs first (``"a shape order"``): positional arguments of
    a call are told apart by it.
    """
    return _function("linear", function, signature, entry)


def multilinear(function: Callable[..., Any], signature: str = "", **entry: Any) -> Op:
    """A function linear in each of its array inputs alone, and the transpose in each."""
    return _function("multilinear", function, signature, entry)


def structured(function: Callable[..., Any], signature: str = "", **entry: Any) -> Op:
    """Any other differentiable function, and its vector-Jacobian product in each array input.

    Forward mode follows from them unless ``jvps`` states it: a tuple of rules of ``t`` and whatever they need.
    """
    return _function("structured", function, signature, entry)


def constant(function: Callable[..., Any], signature: str = "x", **entry: Any) -> Op:
    """A function with derivative zero wherever it has one: rounding, comparison, counting."""
    if isinstance(function, np.ufunc):
        names = ("x",) if function.nin == 1 else ("a", "b")
        op = _enter("constant", function.__name__, function, dict.fromkeys(names), {})
        enter(function, None)
        return register_ufunc(function, op)
    arity = entry.pop("arity", 1)
    rules = dict.fromkeys(signature.split()[:arity])
    return _function("constant", function, signature, {**entry, **rules})


def composite(*functions: Callable[..., Any], **facts: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates what answers for NumPy's ``functions``, computed from other functions of the table."""

    def register_all(implementation: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            register_function(function, implementation)
            enter(function, facts.get("samples"), facts.get("kinks", ()), facts.get("analytic", False))
        return implementation

    return register_all


_ENGINE = frozenset({"name", "evaluate", "jvps", "joint", "selects", "fresh", "view", "of_one"})
_FACTS = frozenset({"domain", "analytic", "samples", "kinks"})


def _split(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """An entry's rules, what the engine is told besides, and the facts."""
    rules = {name: rule for name, rule in entry.items() if name not in _ENGINE and name not in _FACTS}
    engine = {name: value for name, value in entry.items() if name in _ENGINE}
    return rules, engine, {name: fact for name, fact in entry.items() if name in _FACTS}


def _enter(
    kind: Kind, name: str, fun: Callable[..., Any], rules: dict[str, Partial | Rule | None], engine: dict[str, Any]
) -> Op:
    for key, rule in rules.items():
        if not (rule is None or callable(rule) or (kind == "elementwise" and rule in (1, -1))):
            raise TypeError(
                f"The entry for {name}: {key}={rule!r} is neither a rule nor a known fact, such as "
                f"{', '.join(sorted(_FACTS))}."
            )
    if isinstance(fun, np.ufunc) and len(rules) != fun.nin:
        raise TypeError(
            f"The entry for {name} has rules for {', '.join(rules)}; the ufunc takes {fun.nin} argument(s)."
        )
    return register(Op(name, kind, fun, tuple(rules), tuple(rules.values()), **engine))


def _function(kind: Kind, function: Callable[..., Any], signature: str, entry: dict[str, Any]) -> Op:
    rules, engine, facts = _split(entry)
    if signature and not signature.split()[: len(rules)] == list(rules) and not next(iter(rules), "*").startswith("*"):
        raise TypeError(
            f"The entry for {function.__name__} has rules for {', '.join(rules)}, but its signature begins "
            f"{signature!r}: array inputs come first, under NumPy's names."
        )
    enter(function, facts.pop("samples", None), **facts)
    name = engine.pop("name", None) or function.__name__
    op = _enter(kind, name, engine.pop("evaluate", function), rules, engine)
    if isinstance(function, np.ufunc):
        register_ufunc(function, op)
    else:
        register_function(function, bind(op, signature))
        if len(op.inputs) == 1 and not op.variadic:
            ALONE[function] = op
    return op


def bind(op: Op, signature: str) -> Callable[..., Any]:
    """The function that a person calls: sorts arguments into arrays and parameters, and applies ``op``."""
    names = tuple(signature.split())
    arity = 1 if op.variadic else len(op.inputs)
    array_names, param_names = names[:arity], names[arity:]

    def one(*args: Any, **params: Any) -> Any:
        if len(args) != 1:
            if len(args) == 0:
                args = (params.pop(array_names[0]),)
            params.update(_named(op, param_names, args[1:]))
        if "out" in params:
            out = params.pop("out")
            return deliver(one(args[0], **params), out, f"np.{op.name}")
        x = args[0]
        return x._apply_alone(op, params) if isinstance(x, Box) else apply(op, (x,), params)

    def several(*args: Any, **params: Any) -> Any:
        if len(args) != arity:
            args += tuple([params.pop(name) for name in array_names[len(args) :]])
            params.update(_named(op, param_names, args[arity:]))
        if op.kind == "multilinear":  # whose rules ask for axes, which a Python number has not
            args = tuple([np.asarray(x) if type(x) in (bool, int, float, complex) else x for x in args])
        if "out" in params:
            out = params.pop("out")
            return deliver(several(*args[:arity], **params), out, f"np.{op.name}")
        return apply(op, args[:arity], params)

    return one if arity == 1 else several


def _named(op: Op, names: tuple[str, ...], args: tuple[Any, ...]) -> zip[tuple[str, Any]]:
    """Parameters that were given by position, with their names."""
    if len(args) > len(names):
        raise TypeError(f"np.{op.name} takes {len(names)} arguments besides its arrays; {len(args)} were given.")
    return zip(names, args, strict=False)
