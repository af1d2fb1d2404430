"""Random programs that read, view and update arrays in place, as lines of plain NumPy code."""

from types import CodeType
from typing import Any

import numpy as np

import wengert as wg
from wengert.core.dispatch import Box
from wengert.errors import ConversionError

__all__ = ["Program", "plain"]


class Program:
    """Lines of NumPy code, drawn at random, that work on an array ``v0`` and make ``v1``, ``v2``, ... of it.

    Called with an array it runs them on that very array, and returns a number that depends on all variables that are
    left. The programs use plain arrays, too: ``plain()`` makes them, for a run.
    """

    def __init__(self, seed: int, length: int = 14) -> None:
        rng = np.random.default_rng(seed)
        self.shape = tuple(rng.integers(1, 4, rng.integers(1, 4)).tolist())
        self.lines: list[str] = []
        scope = self._scope(rng.normal(size=self.shape), plain(self.shape))
        draw = _Draw(rng, scope)
        while len(self.lines) < length:
            line = draw.line()
            try:
                exec(line, scope)  # noqa: S102 - lines are made by this module
            except (ValueError, IndexError, TypeError):
                continue
            self.lines.append(line)
        self._code: CodeType = compile("\n".join(self.lines), f"<program {seed}>", "exec")

    def __repr__(self) -> str:
        return "\n".join([f"v0: {self.shape}", *self.lines])

    def variables(self, x: Any, plains: dict[str, Any] | None = None) -> dict[str, Any]:
        """The variables left after a run. Arrays that the program makes are tensors where ``x`` is no plain array."""
        scope = self._scope(x, plain(self.shape) if plains is None else plains)
        exec(self._code, scope)  # noqa: S102 - lines are made by this module
        return {name: v for name, v in scope.items() if name.startswith("v") and v is not None}

    @staticmethod
    def _scope(x: Any, plains: dict[str, Any]) -> dict[str, Any]:
        functions: dict[str, Any] = {"new": wg.tensor, "over": _over, "peek": _peek, "fixed": _fixed}
        if type(x) is np.ndarray:
            functions |= {"new": lambda made: made.astype(x.dtype), "over": lambda made: made}
        kind = x.dtype if type(x) is np.ndarray else float
        return {"np": np, "kind": kind, "v0": x, **functions, **plains}

    def __call__(self, x: Any, plains: dict[str, Any] | None = None) -> Any:
        total: Any = 0.0
        for k, v in enumerate(self.variables(x, plains).values(), 1):
            weights = np.cos(np.arange(np.size(v)) + k).reshape(np.shape(v))
            total = total + np.sum(weights * v * v)
        return total


def plain(shape: tuple[int, ...]) -> dict[str, Any]:
    """Arrays ``p0``, ``p1``, ... that broadcast against ``shape``: views, their bases, in several layouts."""
    n = int(np.prod(shape))
    base = np.linspace(-1.0, 1.0, 2 * n).reshape(*shape[:-1], 2 * shape[-1])
    made = [base[..., ::2], base, np.asfortranarray(base)[..., 1::2], np.broadcast_to(base.ravel()[0], shape)]
    made.append(np.linspace(0.0, 1.0, n).reshape(shape))
    made[-1].setflags(write=False)
    return {f"p{i}": x for i, x in enumerate(made)}


def _over(made: np.ndarray[Any, Any]) -> Any:
    """A tensor over an array that nobody else has."""
    return wg.tensor(made, copy=False)


def _peek(x: Any) -> Any:
    """The array in a tensor, where that is to be had."""
    if isinstance(x, wg.Tensor):
        try:
            return x.data
        except ConversionError:
            return None
    return None


def _fixed(x: Any) -> Any:
    """A copy without a derivative. Of a tensor that a person made, a variable: what is written into it counts."""
    if not isinstance(x, Box):
        return np.real(x).astype(x.dtype)
    y = wg.stop_gradient(np.copy(x))
    return wg.tensor(y, constant=False) if isinstance(y, wg.Tensor) and _peek(y) is not None else y


class _Draw:
    """Draws lines that suit the variables there are."""

    def __init__(self, rng: np.random.Generator, scope: dict[str, Any]) -> None:
        self.rng = rng
        self.scope = scope

    def pick(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def arrays(self) -> list[str]:
        return [n for n, v in self.scope.items() if n.startswith("v") and isinstance(v, np.ndarray)]

    def operand(self) -> str:
        return self.pick(*self.arrays(), *[n for n in self.scope if n.startswith("p") and n[1:].isdigit()])

    def line(self) -> str:
        kind = self.pick("view", "view", "value", "value", "update", "update", "update", "update", "name", "look")
        a = self.pick(*self.arrays())
        if kind == "update":
            return self.update(a)
        if kind == "look":
            return self.look(a)
        variables = [n for n in self.scope if n.startswith("v")]
        made = f"v{len(variables)}"
        if kind == "name":
            return f"{made} = {self.pick(*variables)}"
        return f"{made} = {self.view(a) if kind == 'view' else self.value(a)}"

    def look(self, a: str) -> str:
        """Something that has no effect on values: the array is handed out, or a name is dropped."""
        data = f"d{len(self.scope)}"
        if len(self.arrays()) > 2 and self.rng.random() < 0.3:
            return f"{a} = None"
        return self.pick(f"{data} = peek({a})", f"{data} = peek({a})", f"peek({a})", f"{data} = None")

    def view(self, a: str) -> str:
        x = self.scope[a]
        axis = self.rng.integers(-x.ndim, x.ndim) if x.ndim else 0
        return self.pick(
            f"{a}[{self.basic(x.shape)}]",
            f"{a}[{self.basic(x.shape)}]",
            f"{a}[...]",
            f"{a}.reshape({self.shape(x.size)})",
            f"np.reshape({a}, {self.shape(x.size)}, order={self.pick('C', 'F', 'A')!r})",
            f"{a}.ravel({self.pick('C', 'F', 'A', 'K')!r})",
            f"{a}.T",
            f"np.transpose({a}, {tuple(self.rng.permutation(x.ndim).tolist())})",
            f"np.swapaxes({a}, {axis}, 0)",
            f"np.moveaxis({a}, 0, {axis})",
            f"{a}.squeeze()",
            f"np.expand_dims({a}, {axis})",
            f"np.flip({a}, {axis})",
            f"np.rot90({a}, {self.pick(0, 1, 2, 3)})",
            f"np.atleast_2d({a})",
            f"np.split({a}, [1], axis={axis})[{self.pick(0, 1)}]",
        )

    def value(self, a: str) -> str:
        b = self.pick(*self.arrays())
        x = self.scope[a]
        return self.pick(
            f"np.sin({a})",
            f"{a} * {b}",
            f"0.5 * {a}",
            f"{a} * {a}",
            f"np.tanh({a}) * {self.operand()}",
            f"np.exp(np.sin({a}))",
            f"np.exp(np.sin({a}))[{self.basic(x.shape)}]",
            f"0.3 * np.atleast_2d({a}) @ np.atleast_2d({b}).T",
            f"0.3 * np.matmul(np.atleast_2d({a})[:, :2], np.atleast_2d({b})[:2])",
            f"{self.operand()} * {a}",
            f"{a} * {self.operand()}",
            f"np.multiply({a}, {self.operand()}, where={self.mask(x.shape)}, out=np.ones_like({a}))",
            f"np.copy({a}, order='F')",
            f"np.copy({a}, order='K')",
            f"fixed({a})",
            f"over(np.full({x.shape} + (2,), 0.3, kind))[..., 0]",
            f"over(np.full({x.shape} + (2,), 0.3, kind)[..., 1])",
            f"over(np.asfortranarray(np.full({x.shape}, 0.7, kind)))",
            f"{a}.copy()",
            f"{a}.flatten()",
            f"np.sum({a})",
            f"{a}[{self.fancy(x.shape)}]",
            f"np.take({a}, {self.positions(x.shape[0] if x.ndim else 1)}, axis=0)",
            f"np.concatenate([{a}.ravel(), {b}.ravel()])[:9]",
            f"np.where({self.mask(x.shape)}, {a}, 0.5)",
            f"np.zeros_like({a})",
            f"new(np.full({x.shape}, 0.4))",
            f"new(np.full({x.shape}, 0.4))",
            f"np.diagonal(np.atleast_2d({a}))",
        )

    def update(self, a: str) -> str:
        b, c = self.pick(*self.arrays()), self.pick(*self.arrays())
        x = self.scope[a]
        number = round(float(self.rng.normal()), 2)
        at = a if x.flags.writeable else "v0"  # which is what NumPy's ``at`` forgets to ask
        value = self.pick(
            str(number), f"0.5 * np.sum({b})", f"np.cos({b})", b, f"{b}[:1]", f"{a}[{self.basic(x.shape)}]"
        )
        return self.pick(
            f"{a}[{self.basic(x.shape)}] = {value}",
            f"{a}[{self.basic(x.shape)}] = {value}",
            f"{a}[{self.fancy(x.shape)}] = {value}",
            f"{a}[{self.mask(x.shape)}] = {number}",
            f"{a}[{self.mask(x.shape)}] *= {number}",
            f"{a}[{self.fancy(x.shape)}] += {value}",
            f"{a}[{self.basic(x.shape)}] -= {value}",
            f"{a}[...] = {value}",
            f"{a}[:] = {value}",
            f"{a} += {value}",
            f"{a} *= {self.pick(number, f'np.sin({b})', f'np.sin({a})')}",
            f"{a}[{self.basic(x.shape)}] *= np.cos({b})",
            f"{a}[{self.basic(x.shape)}] = {a}[{self.basic(x.shape)}] * {self.operand()}",
            f"{a}.T[...] += {self.operand()}",
            f"np.add.at({at}, ([0, 0, -1],), {value})",
            f"np.multiply.at({at}, ([0, -1],), {number})",
            f"np.multiply({a}, np.cos({b}), out={a}, where={self.mask(x.shape)})",
            f"np.tanh({b}, out={a})",
            f"np.add({b}, {self.pick(c, number)}, out={a})",
            f"np.sin({b}, out={a})",
            f"np.subtract({b}, {c}, out={a}, where={self.mask(x.shape)})",
            f"np.copyto({a}, -{b})",
            f"np.copyto({a}, np.cos({b}), where={self.mask(x.shape)})",
            f"{a}.fill({number})",
            f"np.put({a}, {self.positions(x.size)}, {value})",
            f"np.putmask({a}, {self.mask(x.shape)}, {value})",
            f"np.place({a}, {self.mask(x.shape)}, np.cos({b}))",
            f"np.fill_diagonal({a}, np.cos({b}))",
            f"np.put_along_axis({a}, np.zeros({(1, *x.shape[1:])}, int), {number}, 0)",
        )

    # Indices and shapes, as text

    def basic(self, shape: tuple[int, ...]) -> str:
        parts = []
        for n in shape[: self.rng.integers(len(shape) + 1)]:
            part = self.pick("int", "slice", "slice", "slice")
            if part == "int":
                parts.append(str(self.rng.integers(-n, n) if n else 0))
            else:
                parts.append(self.pick(":", "1:", ":-1", "::2", "::-1", ":2"))
        if self.rng.random() < 0.2:
            parts.insert(self.rng.integers(len(parts) + 1), self.pick("None", "..."))
        return ", ".join(parts) or "..."

    def positions(self, n: int) -> str:
        return str(self.rng.integers(-n, n, self.rng.integers(1, 4)).tolist()) if n else "[]"

    def fancy(self, shape: tuple[int, ...]) -> str:
        if not shape:
            return "()"
        first = self.positions(shape[0])
        if len(shape) == 1 or self.rng.random() < 0.5:
            return first
        return self.pick(
            f"{first}, :1", f":, {self.positions(shape[1])}", f"{first}, -1", f"{first}, {shape[1]} * [[0]]"
        )

    def mask(self, shape: tuple[int, ...]) -> str:
        return f"np.array({(self.rng.random(shape) < 0.5).tolist()}, bool).reshape({shape})"

    def shape(self, size: int) -> str:
        return str(self.pick((-1,), (size, 1), (2, -1), (-1, 2), (1, 3, -1), (3, -1), ()))
