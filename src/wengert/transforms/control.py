"""Loops and branches as functions: ``scan``, ``fori_loop``, ``while_loop``, ``cond``.

On plain, recorded or dual arrays they are what they look like, a Python loop or a call of one branch, so derivatives of
every mode and order follow from the operations inside. On batches a branch is a choice between both results. While a
function is traced for ``wg.jit`` the body is run once, on symbols, and becomes part of the graph
(``wengert.compiler.control``, which fills ``TRACED``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.batched import Batched
from wengert.core import modes
from wengert.core.aliasing import of_all_examples
from wengert.core.dispatch import Box, core_of
from wengert.core.trees import flatten, is_leaf, paths, structure_of
from wengert.errors import InputError, OutputError
from wengert.transforms.arguments import name_of
from wengert.transforms.forms import Form, kind_of, leaves_of, private, settled

__all__ = ["TRACED", "cond", "fori_loop", "scan", "while_loop"]

TRACED: dict[str, Callable[..., Any]] = {}
"""What does the same while a function is traced, by name."""


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Tree,
    xs: Tree = None,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """A loop that carries a value along and collects results: ``carry, y = f(carry, x)`` for each ``x`` of ``xs``.

    ``init`` is the first carry, ``xs`` what is gone through along axis 0; both may be trees of arrays. ``f`` returns a
    carry of the same structure, shapes and dtypes, and a ``y``, any tree of arrays or ``None``. The result is the last
    carry, and the ``y`` of all rounds stacked along a new first axis. ``length`` is the number of rounds; it can be
    left out unless ``xs`` is ``None``. With ``reverse=True`` the loop runs from the last ``x`` to the first, and the
    results lie in the order of ``xs``. A Python number in ``init`` takes the dtype that comes out of the first round.

    ``f`` may write to its arguments, which are its own (before it has computed with them, if a gradient is taken: the
    memory guard sees to that). Under ``wg.jit`` it is traced once, and so is its derivative:
    a long loop costs no more to compile than a short one.

    Raises ``InputError`` if ``xs`` and ``length`` don't fit, ``OutputError`` if ``f`` returns no pair or the carry
    changes its form.

    >>> import numpy as np, wengert as wg
    >>> def step(total, x):
    ...     total = total + x
    ...     return total, total**2
    >>> wg.scan(step, 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([ 1.,  9., 36.]))
    >>> wg.grad(lambda x: np.sum(wg.scan(step, 0.0, x)[1]))(np.array([1.0, 2.0, 3.0]))
    array([20., 18., 12.])
    """
    _check_function("scan", "f", f)
    leaves, _ = leaves_of("scan", "init", init)
    rows, build_x = leaves_of("scan", "xs", xs)
    count = _length(rows, xs, length)
    form = Form("scan", "carry", init)

    def step(carry: list[Array], x: list[Array]) -> tuple[list[Array], Tree]:
        out: Any = f(form.build(carry), None if xs is None else build_x(x))
        if not isinstance(out, tuple) or len(out) != 2:
            raise OutputError(
                f"scan: {name_of(f)} must return a pair (carry, y), where y may be None; it returned {_kind(out)}."
            )
        return form.taken(out[0], "in a round"), out[1]

    if _is_traced():
        return TRACED["scan"](step, form, leaves, rows, count, bool(reverse))
    carry = private(leaves)
    if count == 0:
        return form.build([_array(x) for x in carry]), _no_rows(step, carry, rows)
    collected = _Collected(count)
    for i in range(count - 1, -1, -1) if reverse else range(count):
        carry, y = step(carry, private([x[i] for x in rows]))
        collected.put(i, y)
    return form.build(carry), collected.stacked()


def fori_loop(lower: int, upper: int, body: Callable[[Any, Any], Any], init: Tree) -> Any:
    """``carry = body(i, carry)`` for ``i`` from ``lower`` up to, but without, ``upper``; returns the last carry.

    The carry keeps structure, shapes and dtypes, as for :func:`scan`. Under ``wg.jit`` bounds may be traced; then
    the loop is a :func:`while_loop`, ``i`` an ``int64`` array, and only forward mode can differentiate it.

    Raises ``InputError`` if a bound is no integer, ``OutputError`` if the carry changes its form.

    >>> import wengert as wg
    >>> wg.fori_loop(1, 5, lambda i, product: product * i, 1)
    np.int64(24)
    """
    _check_function("fori_loop", "body", body)
    leaves, _ = leaves_of("fori_loop", "init", init)
    bounds: list[Any] = [_bound(name, x) for name, x in (("lower", lower), ("upper", upper))]
    if not all([type(b) is int for b in bounds]):
        first = np.int64(bounds[0]) if type(bounds[0]) is int else bounds[0]
        return while_loop(lambda s: s[0] < upper, lambda s: (s[0] + 1, body(s[0], s[1])), (first, init))[1]
    form = Form("fori_loop", "carry", init)

    def step(carry: list[Array], x: list[Array]) -> tuple[list[Array], None]:
        return form.taken(body(x[0], form.build(carry)), "in a round"), None

    if _is_traced():
        numbers = np.arange(bounds[0], max(bounds))
        return TRACED["scan"](step, form, leaves, [numbers], len(numbers), False, counts=True)[0]
    carry = private(leaves)
    for i in range(*bounds):
        carry, _ = step(carry, [i])
    return form.build([_array(x) for x in carry])


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init: Tree) -> Any:
    """``carry = body_fun(carry)`` as long as ``cond_fun(carry)`` is true, which must be one boolean; the last carry.

    The carry keeps structure, shapes and dtypes, as for :func:`scan`. Under ``vmap`` it runs until it is over for all
    examples; those that are done keep their values. Under ``wg.jit``, where the condition depends on traced values,
    only forward mode can differentiate it: how often it will run, and so what to save, isn't known.

    Raises ``InputError`` for a condition that isn't one boolean, ``OutputError`` if the carry changes its form.

    >>> import wengert as wg
    >>> root = lambda a: wg.while_loop(lambda x: abs(x * x - a) > 1e-9, lambda x: (x + a / x) / 2, a)
    >>> round(float(root(2.0)), 6)
    1.414214
    >>> round(wg.grad(root)(2.0), 6)
    0.353553
    """
    _check_function("while_loop", "cond_fun", cond_fun)
    _check_function("while_loop", "body_fun", body_fun)
    leaves, _ = leaves_of("while_loop", "init", init)
    form = Form("while_loop", "carry", init)

    def test(carry: list[Array]) -> Any:
        return _predicate("while_loop", f"the result of {name_of(cond_fun)}", cond_fun(form.build(carry)))

    def step(carry: list[Array]) -> list[Array]:
        return form.taken(body_fun(form.build(carry)), "in a round")

    carry = private(leaves)
    active: Any = True
    while True:
        go_on = test(carry)
        if type(active) is bool and type(go_on) is bool:
            if not go_on:
                return form.build([_array(x) for x in carry])
            carry = step(carry)
            continue
        active = np.logical_and(active, go_on)
        somewhere = of_all_examples(active)
        if isinstance(somewhere, Box):
            return TRACED["while_loop"](test, step, form, carry)
        if not np.any(somewhere):
            return form.build([_array(x) for x in carry])
        with np.errstate(all="ignore"):
            new = step(private(carry))
        carry = [np.where(active, x, settled(old, k)) for x, old, k in zip(new, carry, form.kinds, strict=True)]


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Tree) -> Any:
    """``true_fun(*operands)`` if ``pred``, one boolean, is true, else ``false_fun(*operands)``.

    Where ``pred`` is known, that is all. Under ``wg.jit`` both functions are traced, and the one that is asked for
    runs. Under ``vmap``, where ``pred`` differs from example to example, both run and each example gets its result;
    what was not chosen adds nothing to a derivative. In these cases both must return the same structure, shapes and
    dtypes, and neither may write to its arguments.

    Raises ``InputError`` if ``pred`` isn't one boolean, ``OutputError`` if the results differ in form.

    >>> import numpy as np, wengert as wg
    >>> f = lambda x: wg.cond(x > 0, np.sqrt, np.negative, x)
    >>> float(f(4.0)), float(f(-4.0))
    (2.0, 4.0)
    >>> wg.vmap(wg.grad(f))(np.array([4.0, -4.0]))
    array([ 0.25, -1.  ])
    """
    _check_function("cond", "true_fun", true_fun)
    _check_function("cond", "false_fun", false_fun)
    chosen = _predicate("cond", "pred", pred)
    if type(chosen) is bool:
        return (true_fun if chosen else false_fun)(*operands)
    leaves, build = leaves_of("cond", "operands", operands)
    names = name_of(true_fun), name_of(false_fun)
    if not isinstance(chosen, Batched):
        runs = [lambda xs, g=g: g(*build(xs)) for g in (true_fun, false_fun)]
        return TRACED["cond"](chosen, runs, leaves, names)
    with np.errstate(all="ignore"):
        mine, build_result = flatten(true_fun(*build(private(leaves))))
        theirs = alike(names, mine, build_result, false_fun(*build(private(leaves))))
    return build_result([np.where(chosen, a, b) for a, b in zip(mine, theirs, strict=True)])


def alike(names: Sequence[str], mine: Sequence[Any], build: Callable[..., Any], other: Tree) -> list[Array]:
    """The leaves of ``other``, a branch's result; an error unless its form is that of the first branch's leaves."""
    theirs, build_other = flatten(other)
    for x in (*mine, *theirs):
        if not is_leaf(x):
            raise OutputError(
                f"cond: {names[0]} and {names[1]} must return arrays or numbers, in dicts, lists, tuples or "
                f"dataclasses; there is a {type(x).__name__}."
            )
    if structure_of(build) != structure_of(build_other):
        raise OutputError(
            f"cond: {names[0]} returned {_kind(build(list(mine)))} and {names[1]} {_kind(other)}, which differ in "
            f"structure: leaves at {paths(build(list(mine)))} and at {paths(other)}. Return the same containers."
        )
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        first, second = kind_of(a), kind_of(b)
        if first.shape != second.shape or (first.dtype != second.dtype and not (first.weak or second.weak)):
            where = paths(other)[i]
            raise OutputError(
                f"cond: {names[0]} returned {first}{where and f' at {where}'} and {names[1]} {second}. Both must "
                "return the same shapes and dtypes."
            )
    return theirs


class _Collected:
    """The results of all rounds: written into arrays as they come, or kept, where they are boxed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.form: Form | None = None
        self.columns: list[Any] = []

    def put(self, i: int, y: Tree) -> None:
        """The result of round ``i``."""
        if self.form is None:
            leaves, _ = leaves_of("scan", "y", y)
            self.form = Form("scan", "y", y)
            self.columns = [_column(self.count, x, k) for x, k in zip(leaves, self.form.kinds, strict=True)]
        else:
            leaves = self.form.taken(y, "from round to round")
        for j, x in enumerate(leaves):
            if isinstance(x, Box):
                if type(self.columns[j]) is np.ndarray:
                    self.columns[j] = list(self.columns[j])
                self.columns[j][i] = x._frozen()
            else:
                self.columns[j][i] = x if type(self.columns[j]) is np.ndarray else private([x])[0]

    def stacked(self) -> Tree:
        """The tree of all of them."""
        assert self.form is not None
        done = [
            c if type(c) is np.ndarray else np.stack([settled(x, k) for x in c])
            for c, k in zip(self.columns, self.form.kinds, strict=True)
        ]
        return self.form.build(done)


def _column(count: int, x: Array, kind: Any) -> Any:
    return [None] * count if isinstance(x, Box) or kind.weak else np.empty((count, *kind.shape), kind.dtype)


def _no_rows(step: Callable[..., Any], carry: list[Array], rows: Sequence[Array]) -> Tree:
    """The results of no rounds, whose form a round on zeros shows."""
    zeros = [np.zeros(x.shape[1:], x.dtype)[()] for x in rows]
    with np.errstate(all="ignore"):
        leaves, build = flatten(step(carry, zeros)[1])
    return build([np.zeros((0, *kind_of(y).shape), kind_of(y).dtype) for y in leaves])


def _length(rows: Sequence[Any], xs: Tree, length: Any) -> int:
    """The number of rounds; an error unless ``xs`` and ``length`` say one."""
    if length is not None:
        if isinstance(length, Box | bool) or not hasattr(length, "__index__"):
            what = "a traced array" if isinstance(length, Box) else repr(length)
            raise InputError(
                f"scan: length must be an int that is known when the function is traced; it is {what}. Pass it as a "
                "static argument (wg.jit(f, static_argnums=...)), or loop with wg.while_loop."
            )
        length = index(length)
        if length < 0:
            raise InputError(f"scan: length={length} must not be negative.")
    elif not rows:
        raise InputError("scan: there is no array in xs, so the number of rounds isn't known. Pass length.")
    where = paths(xs) if rows else []
    for i, x in enumerate(rows):
        if np.ndim(x) == 0:
            raise InputError(
                f"scan: xs{where[i]} is a number without axes, and the loop goes along axis 0. Make lists of numbers "
                "arrays, np.array(xs); let f find by itself what is the same in each round."
            )
        if len(x) != (len(rows[0]) if length is None else length):
            expected = f"length={length}" if length is not None else f"xs{where[0]} has {len(rows[0])}"
            raise InputError(f"scan: xs{where[i]} has {len(x)} entries along axis 0, but {expected}.")
    return len(rows[0]) if length is None else length


def _stripped(x: Any) -> Any:
    """What decides: ``x`` without boxes that carry derivatives; a box where it has many values, or none yet."""
    x = core_of(x)
    while isinstance(x, Box) and (not x._symbolic or (type(x) is Batched and not x._current()._mapped)):
        x = core_of(x._bare())
    return x


def _predicate(what: str, name: str, x: Any) -> Any:
    """A condition as a ``bool``, or as a box where a batch or a traced function has it."""
    found = _stripped(x)
    if not is_leaf(found) or kind_of(found)[:2] != ((), np.dtype(bool)):
        given = str(kind_of(found)) if is_leaf(found) else f"a {type(found).__name__}"
        raise InputError(
            f"{what}: {name} must be one boolean; it is {given}. Compare, as in x > 0, or combine with np.all, np.any."
        )
    return found if isinstance(found, Box) else bool(found)


def _bound(name: str, x: Any) -> Any:
    """A bound as an ``int``, or as a box."""
    found = _stripped(x)
    if not is_leaf(found) or kind_of(found).shape != () or kind_of(found).dtype.kind not in "iu":
        given = str(kind_of(found)) if is_leaf(found) else f"a {type(found).__name__}"
        raise InputError(f"fori_loop: {name} must be an integer; it is {given}.")
    return found if isinstance(found, Box) else int(found)


def _check_function(what: str, name: str, f: Any) -> None:
    if not callable(f):
        raise InputError(f"{what}: {name} must be a function; it is a {type(f).__name__}.")


def _is_traced() -> bool:
    return bool(modes.tracing) and modes.trace() is not None


def _array(x: Array) -> Array:
    return np.asarray(x)[()] if type(x) in (int, float, complex, bool) else x


def _kind(x: Any) -> str:
    return f"a tuple of {len(x)}" if isinstance(x, tuple) else "None" if x is None else f"a {type(x).__name__}"
