"""The operation record: everything that wengert knows about one operation, stated once.

A rule is a plain function whose *parameter names* say what it needs, so the engine saves exactly that and nothing
else for the backward pass:

=============  ====================================================================================
``g``          the cotangent of the output (in vector-Jacobian rules)
``t``          the tangent of one input (in Jacobian-vector rules)
``y``          the output
``y_like``     its shape and dtype only
``x``          the value of the input of that name
``x_like``     that input's shape and dtype only; its value need not be kept alive
``xs``         all inputs, for operations over any number of inputs
``likes``      the shapes and dtypes of all inputs, likewise
``i``          the position of the input in question, likewise
anything else  a parameter of the call such as ``axis``; a default in the rule stands for a call without it
=============  ====================================================================================

``elementwise(np.tanh, x=lambda y: 1 - y * y)`` therefore reads as the page of a calculus book, and keeps only ``y``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

__all__ = ["Kind", "Like", "Op", "Partial", "Rule", "View"]

Kind = Literal["elementwise", "linear", "multilinear", "structured", "constant"]
View = Literal["", "writeable", "overlapping", "read-only"]
Rule = Callable[..., Any]
Partial = Rule | int
"""A partial derivative: a rule, or the literal 1 or -1."""


@dataclass(frozen=True, slots=True)
class Like:
    """Shape and dtype of an array whose value is not kept."""

    shape: tuple[int, ...]
    dtype: Any

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass(frozen=True, eq=False)
class Op:
    """One differentiable (or deliberately constant) operation.

    ``fun`` is called as ``fun(*arrays, **params)`` and works on plain arrays; on boxed arrays it dispatches through
    NumPy's protocols. ``inputs`` are the array inputs' names as the rules call them; a single name with a star
    (``"*xs"``) stands for any number. ``rules`` holds one rule an input: partial derivatives when ``kind`` is
    ``"elementwise"``, otherwise vector-Jacobian products. ``joint`` is a rule for all inputs at once, where they
    share work: it returns one cotangent an input. ``selects`` marks operations that pass some elements on and drop
    others; ``reads``, the reading of ``x[index]``; ``fresh``, those that make an array like another, to be written
    to. ``view`` marks those whose result NumPy may return as a view of their first input, ``"writeable"`` or
    ``"read-only"``, or ``"overlapping"`` if it is writeable and shows elements twice. ``update`` is what an in-place
    update does to plain memory, ``update(x, index, value)``, and ``pull_in_place`` its pullback, from ``(g, node)`` to
    the cotangents of ``x`` and of ``value``, where ``g`` may be overwritten.
    ``push_all`` gives the tangent from ``(tangents, node)`` for all inputs at once. ``opened`` is for operations that
    are programs of others: ``opened(node)`` does them anew, each on its own, and returns the inputs' nodes and the
    result's.
    ``reapplied(arrays, params)`` does what a graph that has this operation in it does where it is applied to boxes, if
    that is something else than applying the operation.
    ``of_one`` is the operation on the second input that this one is when the first is the number 1, if it keeps
    less.
    """

    name: str
    kind: Kind
    fun: Callable[..., Any]
    inputs: tuple[str, ...]
    rules: tuple[Partial | None, ...] = ()
    jvps: tuple[Rule | None, ...] | None = None
    joint: Rule | None = None
    selects: bool = False
    reads: bool = False
    fresh: bool = False
    of_one: Op | None = None
    view: View = ""
    update: Callable[[Any, Any, Any], None] | None = None
    pull_in_place: Callable[[Any, Any], tuple[Any, Any]] | None = None
    push_all: Callable[[Any, Any], Any] | None = None
    opened: Callable[[Any], tuple[Any, Any]] | None = None
    reapplied: Callable[[Any, Any], Any] | None = None

    def __repr__(self) -> str:
        return f"<Op {self.name}: {self.kind}>"

    @cached_property
    def variadic(self) -> bool:
        """Whether the operation takes any number of array inputs."""
        return self.inputs[0].startswith("*")

    # What the tape reads. All of it is derived from the rules, on first use.

    @cached_property
    def pulls(self) -> tuple[Callable[[Any, Any], Any] | None, ...]:
        """Pullbacks ``pull(g, node)``, one an input; of a real-valued node."""
        return tuple(self._pull(i, conjugate=False) for i in range(len(self.rules)))

    @cached_property
    def conjugate_pulls(self) -> tuple[Callable[[Any, Any], Any] | None, ...]:
        """Pullbacks of a node whose values are complex: elementwise partials are conjugated."""
        return tuple(self._pull(i, conjugate=True) for i in range(len(self.rules)))

    @cached_property
    def pull_all(self) -> Callable[[Any, Any], Any] | None:
        """``pull_all(g, node)``, one cotangent a parent, for operations that aren't pulled back input by input."""
        if self.joint is not None:
            return self._compile(self.joint, "g, n")
        if not self.variadic or not self.rules:
            return None
        rule = self.rules[0]
        assert callable(rule)
        pull = self._compile(rule, "g, n, i")
        return lambda g, n: [None if p is None else pull(g, n, i) for i, p in enumerate(n.parents)]

    @cached_property
    def partials(self) -> tuple[Any, ...]:
        """Of an elementwise operation: ``partial(node)``, or the literal 1 or -1, one an input."""
        return tuple(r if r is None or isinstance(r, int) else self._compile(r, "n") for r in self.rules)

    @cached_property
    def pushes(self) -> tuple[Callable[[Any, Any], Any] | None, ...] | None:
        """Pushforwards ``push(t, node)``, one an input, where the table states them."""
        if self.jvps is None:
            return None
        return tuple(None if r is None else self._compile(r, "t, n") for r in self.jvps)

    @cached_property
    def keeps(self) -> _Keeps:
        """Indexed by the tuple of flags "this input is a variable": which inputs, and whether the output, to save."""
        return _Keeps(self)

    @cached_property
    def keeps_alone(self) -> tuple[bool, bool]:
        """Of an operation with one input: whether to save that, and whether the output."""
        (x,), y = self.keeps[(True,)]
        return x, y

    @cached_property
    def is_constant(self) -> bool:
        """Whether the derivative is zero wherever it exists."""
        return self.kind == "constant"

    @cached_property
    def is_pure(self) -> bool:
        """Whether the result is always an array of its own, and of floating-point numbers where the input is."""
        return self.kind == "linear" and not self.view

    @cached_property
    def is_local(self) -> bool:
        """Whether the operation reads or writes part of an array, so that its pullback need not cost the whole."""
        return self.reads or self.pull_in_place is not None

    @cached_property
    def is_blind(self) -> bool:
        """Whether the derivative by some inputs is zero, which are the ones that have no rule."""
        return self.kind != "constant" and None in self.rules

    def _pull(self, i: int, *, conjugate: bool) -> Callable[[Any, Any], Any] | None:
        rule = self.rules[i]
        if rule is None:
            return None
        if self.kind != "elementwise":
            assert callable(rule)
            return self._compile(rule, "g, n")
        if rule == 1:
            return _identity
        if rule == -1:
            return _negate
        assert callable(rule)
        return self._compile(rule, "g, n", "g * conj({})" if conjugate else "g * {}")

    def _compile(self, rule: Rule, params: str, form: str = "{}") -> Callable[..., Any]:
        """A function of ``params`` that reads the rule's needs off a node ``n`` and calls it."""
        scope: dict[str, Any] = {"rule": rule, "conj": _conjugate}
        reads = []
        for name, default in _parameters(rule):
            if name in ("g", "t", "i"):
                reads.append(name)
            elif name == "y":
                reads.append("n.y")
            elif name == "y_like":
                reads.append("n")
            elif name == "xs":
                reads.append("n.xs")
            elif name == "likes":
                reads.append("n.likes()")
            elif name in self.inputs:
                reads.append(f"n.xs[{self.inputs.index(name)}]")
            elif name.endswith("_like") and name[:-5] in self.inputs:
                reads.append(f"n.like({self.inputs.index(name[:-5])})")
            elif default is _REQUIRED:
                reads.append(f"n.params[{name!r}]")
            else:
                scope[f"default_{name}"] = default
                reads.append(f"n.params.get({name!r}, default_{name})")
        called = reads[0] if rule.__code__.co_code == _IDENTITY and len(reads) == 1 else f"rule({', '.join(reads)})"
        body = form.format(called)
        return eval(f"lambda {params}: {body}", scope)  # noqa: S307 - text made of the rule's parameter names alone

    def needs(self, i: int) -> set[str]:
        """Names of the values that the rule for input ``i`` reads."""
        rule = self.joint or (self.rules[0 if self.variadic else i] if self.rules else None)
        return {name for name, _ in _parameters(rule)} if callable(rule) else set()


class _Keeps(dict[tuple[bool, ...], tuple[tuple[bool, ...], bool]]):
    """For each combination of variable inputs: (save this input's value?, ...), save the output?"""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self._op = op

    def __missing__(self, variable: tuple[bool, ...]) -> tuple[tuple[bool, ...], bool]:
        op = self._op
        needs: set[str] = set().union(*(op.needs(i) for i, v in enumerate(variable) if v))
        if op.variadic:
            inputs = tuple("xs" in needs for _ in variable)
        else:
            inputs = tuple(name in needs for name in op.inputs)
        plan = self[variable] = (inputs, "y" in needs)
        return plan


_REQUIRED = object()
_IDENTITY = (lambda x: x).__code__.co_code


def _parameters(rule: Any) -> Iterator[tuple[str, Any]]:
    """Names and defaults of a rule's parameters. (``inspect.signature`` takes fifty times as long.)"""
    code = rule.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[:count]
    defaults: dict[str, Any] = dict(rule.__kwdefaults__ or {})
    positional = rule.__defaults__ or ()
    defaults.update(zip(names[code.co_argcount - len(positional) : code.co_argcount], positional, strict=True))
    return ((name, defaults.get(name, _REQUIRED)) for name in names)


def _identity(g: Any, n: Any) -> Any:
    return g


def _negate(g: Any, n: Any) -> Any:
    return -g


def _conjugate(p: Any) -> Any:
    return p.conjugate()
