"""Logarithms of exponentials, of their sums, and of what is made of them, without either."""

from __future__ import annotations

import math

from wengert.compiler.graph import Value
from wengert.compiler.stable.terms import Products, Term, is_map, number_in, total_in

__all__ = ["Logarithms"]


class Logarithms:
    """What stands for logarithms; ``None`` where nothing else does."""

    def __init__(self, products: Products) -> None:
        self.b = products.b
        self.products = products

    def log(self, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        """``log(x)``."""
        b = self.b
        x = b.peeled(inputs[0])
        total = total_in(x)
        if total is not None:
            return self._log_of_total(x, 1.0, value)
        term = self.products.of(x)
        if term.coefficient > 0 and len(term.powers) == 1:
            (((kind, s), n),) = term.powers.items()
            if n == 1 and kind in ("num", "total") and total_in(b.graph.values[s]) is not None:
                return self._log_of_total(b.graph.values[s], float(term.coefficient), value)
        kinds = {kind for kind, _ in term.powers}
        if term.coefficient == 1 and kinds and kinds <= {"exp", "plus", "total"} and kinds != {"total"}:
            return self._log_of_exponentials(term, value)
        if x.prim == "gather":
            return self._log_of_read(x, value)
        if is_map(x, "add") or is_map(x, "sub"):
            one, y = x.inputs
            if number_in(one) != 1 and x.attrs == "add":
                one, y = y, one
            if number_in(one) == 1:
                return b.broadcast(b.map("log1p", y if x.attrs == "add" else b.map("neg", y)), value.shape)
        return None

    def _log_of_read(self, x: Value, value: Value) -> Value | None:
        """The logarithm of elements that are read by position: elements of a logarithm."""
        b = self.b
        whole = x.inputs[0]
        if whole.prim != "map":
            return None
        read = self.log(whole, (whole,))
        if read is None:
            return None
        made = b.unique("gather", (b.dense(read), *x.inputs[1:]), x.attrs, x.shape, x.dtype)
        return b.broadcast(made, value.shape)

    def _log_of_total(self, x: Value, c: float, value: Value) -> Value | None:
        """``log(c * x)`` for a sum ``x`` of exponentials, or a view of one."""
        b = self.b
        total = total_in(x)
        assert total is not None
        root = x.inputs[0] if x.prim == "view" else x
        m, _, s = self.products.shifted(total)
        if m is None:
            return None
        s = b.map("log", b.reshape(s, root.shape))
        y = b.map("add", b.reshape(m, root.shape), s)
        if x is not root:
            y = b.view(b.dense(y), x.shape, x.attrs)
        if c != 1:
            y = b.map("add", y, b.number(math.log(c), y.dtype))
        return b.broadcast(y, value.shape)

    def _log_of_exponentials(self, term: Term, value: Value) -> Value | None:
        """The sum of the logarithms of a product's factors."""
        b = self.b
        rest = dict(term.powers)
        summands: list[tuple[int, Value]] = []
        for (kind, s), n in term.powers.items():
            total = self.products.total(b.graph.values[s]) if kind == "total" else None
            if total is None:
                continue
            a = rest.pop(("exp", total.u.number), 0)
            if a * total.sign != -n:
                return None
            _, e, sums = self.products.shifted(total)
            summands += [(-n, b.map("sub", e.inputs[0], b.map("log", sums)))]
            del rest[kind, s]
        for u in sorted({x for _, x in rest}):
            x = b.graph.values[u]
            a, p = rest.get(("exp", u), 0), rest.get(("plus", u), 0)
            k = max(0, min(a, -p)) if p < 0 else min(0, max(a, -p))
            for n, y in ((-k, b.map("neg", x)), (p + k, x)):
                summands += [(n, b.map("softplus", y))] if n else []
            summands += [(a - k, x)] if a - k else []
        result: Value | None = None
        for n, x in summands:
            part = x if abs(n) == 1 else b.map("mul", x, b.number(abs(n), x.dtype))
            part = b.map("neg", part) if n < 0 else part
            result = part if result is None else b.map("add", result, part)
        return None if result is None else b.broadcast(result, value.shape)

    def log1p(self, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        """``log(1 + x)``."""
        b = self.b
        x = b.peeled(inputs[0])
        if is_map(x, "expm1"):
            return b.broadcast(x.inputs[0], value.shape)
        return b.broadcast(b.map("softplus", x.inputs[0]), value.shape) if is_map(x, "exp") else None

    def logaddexp(self, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        """``log(exp(x) + exp(y))``, where one of the two is 0."""
        for zero, x in (inputs, inputs[::-1]):
            if number_in(self.b.peeled(zero)) == 0:
                return self.b.broadcast(self.b.map("softplus", x), value.shape)
        return None
