"""What a loop need not compute round by round: before it, or after it, for all rounds at once.

What is the same in each round is computed once. Products of rows and one matrix are one product of all rows. Results
that are products with one matrix are made of what is stacked, and a carry to which products are added, such as the
gradient of a weight, is one product of stacked factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from wengert._types import Shape
from wengert.compiler.build import Builder, dense_strides
from wengert.compiler.graph import Rounds, Value, live_values, users
from wengert.compiler.rebuild import same

__all__ = ["Lifted", "lifted"]

_LARGEST = 1 << 23
"""Numbers that all rounds together may have where they are kept."""


class _Rows(NamedTuple):
    """A matrix in each round: of an input of the loop, or of one of its results, number ``place``."""

    given: bool
    place: int
    shape: Shape


class _Late(NamedTuple):
    """Output ``output`` of the body is computed after the loop, as the sum of products of ``factors``.

    A right factor that is a value is the same in each round, and the products are stacked. Otherwise those of all
    rounds are added up, and left factors are there transposed; without a right one, rows are added up.
    """

    output: int
    factors: tuple[tuple[_Rows, _Rows | Value | None], ...]


class Lifted(NamedTuple):
    """``rounds`` as they are left, and the inputs ``given``."""

    rounds: Rounds
    given: list[Value]
    late: list[_Late]

    def results(self, b: Builder, items: Sequence[Value], count: int) -> list[Value]:
        """The first ``count`` results, of the items of the loop that is left."""
        results = list(items[:count])
        for late in self.late:
            total = self.given[late.output] if late.output < self.rounds.carries else None
            for left, right in late.factors:
                rows = self._all(b, items, left)
                if right is None:
                    made = b.reduce("sum", rows, (0,))
                elif isinstance(right, Value):
                    made = b.matmul(rows, right)
                else:
                    made = b.matmul(b.transpose(rows, (1, 0)), self._all(b, items, right))
                shape = items[late.output].shape
                total = b.reshape(made, shape) if total is None else b.map("add", total, b.reshape(made, shape))
            assert total is not None
            results[late.output] = total
        return results

    def _all(self, b: Builder, items: Sequence[Value], x: _Rows) -> Value:
        whole = self.given[x.place] if x.given else items[x.place]
        return b.reshape(whole, (self.rounds.count * x.shape[0], x.shape[1]))


class _Found(NamedTuple):
    """What a ``_Late`` is made of, in the body as it was."""

    output: int
    factors: tuple[tuple[Value, Value | None], ...]


def lifted(b: Builder, rounds: Rounds, given: Sequence[Value]) -> Lifted:
    """``rounds`` without what is computed outside; ``b`` builds what is computed before."""
    return _Lifting(b, rounds, given).run()


class _Lifting:
    """What is known about a body, and what is made of it."""

    def __init__(self, b: Builder, rounds: Rounds, given: Sequence[Value]) -> None:
        self.b = b
        self.rounds = rounds
        self.body = rounds.body
        self.given = list(given)
        self.users = users(self.body)
        self.end = rounds.carries + rounds.rows
        self.live = live_values(self.body)
        self.outside: dict[int, Value] = {}
        """What is the same in each round, by its number in the body, in the graph around the loop."""
        self.rows: dict[int, Value] = {}
        """Values of the body that become rows: for each all of its rows."""
        self.turned = {v.inputs[1].number for v in self.body.values if v.prim == "matmul" and v.shape[-2] == 1}
        """Factors of products with one row, which are read best as they are, not as transposes of others."""
        self.late: list[_Found] = []

    def run(self) -> Lifted:
        self._find_same()
        for value in self.body.values:
            if value.number in self.live and value.prim == "matmul":
                self._find_rows(value)
        for i, y in enumerate(self.body.outputs):
            late = self._sum(i, y) if i < self.rounds.carries else self._stack(i, y)
            if late is not None:
                self.late.append(late)
        return self._made()

    # Before

    def _find_same(self) -> None:
        for x, inner in zip(self.given[self.end :], self.body.inputs[self.end :], strict=True):
            self.outside[inner.number] = x
        for value in self.body.values:
            if value.number in self.live and value.prim != "input":
                inputs = [self.outside.get(x.number) for x in value.inputs]
                if None not in inputs:
                    self.b.source = value.source
                    self.outside[value.number] = same(self.b, value, tuple([x for x in inputs if x is not None]))

    def _find_rows(self, value: Value) -> None:
        """A product of a row of the given ones, or of part of it, and what is the same in each round."""
        left, right = value.inputs
        row = _root(left)
        if row.prim != "input" or not self.rounds.carries <= row.attrs < self.end or not _is_whole(left):
            return
        if value.number in self.outside or right.number not in self.outside or value.ndim != 2 or self._is_large(value):
            return
        m, k = left.shape
        count = self.rounds.count
        product = self.b.matmul(self.b.reshape(self.given[row.attrs], (count * m, k)), self.outside[right.number])
        self.rows[value.number] = self.b.dense(self.b.reshape(product, (count, *value.shape)))

    def _is_large(self, x: Value) -> bool:
        return self.rounds.count * x.size > _LARGEST

    # After

    def _only(self, x: Value, user: Value | None) -> bool:
        """Whether nothing but ``user``, or nothing but one output, is made of ``x``."""
        uses = [u for u in self.users[x.number] if u.number in self.live]
        outputs = [y for y in self.body.outputs if y is x]
        return (len(uses), len(outputs)) == ((0, 1) if user is None else (1, 0)) and (user is None or uses[0] is user)

    def _stack(self, i: int, y: Value) -> _Found | None:
        """A result that is a product with what is the same in each round."""
        product = _root(y)
        if product.prim != "matmul" or product.ndim != 2 or not _is_whole(y) or product.number in self.rows:
            return None
        alone = self._only(y, None) and (y is product or self._only(product, y))
        left, right = product.inputs
        if not alone or right.number not in self.outside or left.number in self.outside or self._is_large(left):
            return None
        return _Found(i, ((left, right),))

    def _sum(self, i: int, y: Value) -> _Found | None:
        """A carry that nobody needs in the loop, and to which products are added."""
        carry = self.body.inputs[i]
        terms: list[tuple[Value, Value | None]] = []
        stack: list[tuple[Value, Value | None]] = [(y, None)]
        added = False
        while stack:
            x, user = stack.pop()
            factors = None if user is None else self._factors(x, user)
            if factors is not None:
                terms.append(factors)
            elif x is carry and user is not None and not added and self._only(x, user):
                added = True
            elif x.prim == "map" and x.attrs == "add" and x.shape == carry.shape and self._only(x, user):
                stack += [(part, x) for part in reversed(x.inputs)]
            else:
                return None
        return _Found(i, tuple(terms)) if terms and added and carry.dtype.kind == "f" else None

    def _factors(self, x: Value, user: Value) -> tuple[Value, Value | None] | None:
        """The factors of a term, or what it is the sum of the rows of."""
        root = _root(x)
        if not _is_whole(x) or not self._only(x, user) or (root is not x and not self._only(root, x)):
            return None
        if root.prim == "reduce" and root.attrs == ("sum", (0,)) and root.inputs[0].ndim == 2:
            rows = root.inputs[0]
            return None if self._is_large(rows) or _is_broadcast(rows) else (rows, None)
        if root.ndim != 2:
            return None
        if root.prim == "matmul":
            left, right = root.inputs
        elif root.prim == "map" and root.attrs == "mul":  # a column times a row?
            left, right = sorted(root.inputs, key=lambda v: v.shape != (root.shape[0], 1))
            if left.shape != (root.shape[0], 1) or right.shape not in ((root.shape[1],), (1, root.shape[1])):
                return None
        else:
            return None
        if left.number in self.outside or right.number in self.outside:
            return None
        if self._is_large(left) or self._is_large(right) or left.size + right.size > 2 * root.size:
            return None
        return left, right

    # What is left

    def _made(self) -> Lifted:
        rounds, body = self.rounds, self.body
        late = {found.output for found in self.late}
        needed = self._needed([y for i, y in enumerate(body.outputs) if i not in late])
        b = Builder()
        new: dict[int, Value] = {}
        given = self.given[: self.end]
        for x in body.inputs[: self.end]:
            new[x.number] = b.input(x.shape, x.dtype)
        for number, whole in self.rows.items():
            if number in needed:
                new[number] = b.input(body.values[number].shape, whole.dtype)
                given.append(whole)
        rows = len(given) - rounds.carries
        for value in body.values:
            if value.number not in needed or value.number in new:
                continue
            b.source = value.source
            if self._is_taken(value):
                new[value.number] = b.input(value.shape, value.dtype)
                given.append(self.b.dense(self.outside[value.number]))
            else:
                new[value.number] = same(b, value, tuple([new[x.number] for x in value.inputs]))
        outputs = []
        for i, y in enumerate(body.outputs):
            nothing = b.broadcast(b.number(0, y.dtype), y.shape)
            outputs.append(new[y.number] if i not in late else nothing if i >= rounds.carries else b.graph.inputs[i])
        made = []
        for found in self.late:
            factors: list[tuple[_Rows, _Rows | Value | None]] = []
            for left, right in found.factors:
                first = new[left.number]
                if found.output >= rounds.carries:
                    assert right is not None
                    factors.append((self._place(first, outputs, rows), self.outside[right.number]))
                elif right is None:
                    factors.append((self._place(first, outputs, rows), None))
                else:
                    turned = self._place(b.transpose(first, (1, 0)), outputs, rows)
                    second = new[right.number]
                    second = b.reshape(second, (1, second.size)) if second.ndim == 1 else second
                    factors.append((turned, self._place(second, outputs, rows)))
            made.append(_Late(found.output, tuple(factors)))
        b.graph.outputs = outputs
        return Lifted(replace(rounds, body=b.graph, rows=rows), given, made)

    def _place(self, x: Value, outputs: list[Value], rows: int) -> _Rows:
        """Where ``x`` of each round is kept: among the rows, or the results, of which it may be a new one."""
        carries = self.rounds.carries
        root = _root(x)
        if root.prim == "input" and carries <= root.attrs < carries + rows and _is_whole(x):
            return _Rows(True, root.attrs, x.shape)
        for i in range(carries, len(outputs)):
            if outputs[i] is x or (outputs[i] is root and _is_whole(x)):
                return _Rows(False, i, x.shape)
        outputs.append(x)
        return _Rows(False, len(outputs) - 1, x.shape)

    def _is_taken(self, value: Value) -> bool:
        """Whether the loop takes the value from outside."""
        if value.number not in self.outside or value.prim in ("constant", "index"):
            return False
        return value.prim != "view" or value.number in self.turned

    def _needed(self, outputs: Sequence[Value]) -> set[int]:
        """The values that the loop itself has to have."""
        needed = {y.number for y in outputs}
        for found in self.late:
            for left, right in found.factors:
                needed.add(left.number)
                if right is not None and found.output < self.rounds.carries:
                    needed.add(right.number)
        for value in reversed(self.body.values):
            if value.number in needed and not self._is_taken(value) and value.number not in self.rows:
                needed.update([x.number for x in value.inputs])
        return needed


def _root(x: Value) -> Value:
    return x.inputs[0] if x.prim == "view" else x


def _is_whole(x: Value) -> bool:
    """Whether ``x`` is all of a dense array, possibly in another shape."""
    if x.prim != "view":
        return True
    pairs = zip(x.shape, x.attrs.strides, dense_strides(x.shape), strict=True)
    return x.size == x.inputs[0].size and x.attrs.offset == 0 and all([n == 1 or s == d for n, s, d in pairs])


def _is_broadcast(x: Value) -> bool:
    return x.prim == "view" and any([n != 1 and s == 0 for n, s in zip(x.shape, x.attrs.strides, strict=True)])
