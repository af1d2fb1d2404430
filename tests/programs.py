"""Random programs that read, view and update arrays in place, as lines of plain NumPy code."""

from types import CodeType
from typing import Any

import numpy as np

import wengert as wg

__all__ = ["Program"]


class Program:
    """Lines of NumPy code, drawn at random, that work on an array ``v0`` and make ``v1``, ``v2``, ... of it.

    Called with an array it runs them on that very array, and returns a number that depends on all variables.
    """

    def __init__(self, seed: int, length: int = 14) -> None:
        rng = np.random.default_rng(seed)
        self.shape = tuple(rng.integers(1, 4, rng.integers(1, 4)).tolist())
        self.lines: list[str] = []
        scope: dict[str, Any] = {"np": np, "new": np.array, "v0": rng.normal(size=self.shape)}
        draw = _Draw(rng, scope)
        while len(self.lines) < length:
            line = draw.line()
            try:
                exec(line, scope)  # noqa: S102 - lines are made by this module
            except (ValueError, IndexError):
                continue
            self.lines.append(line)
        self._code: CodeType = compile("\n".join(self.lines), f"<program {seed}>", "exec")

    def __repr__(self) -> str:
        return "\n".join([f"v0: {self.shape}", *self.lines])

    def variables(self, x: Any) -> dict[str, Any]:
        """All variables after a run. Arrays that the program makes anew are tensors where ``x`` is no plain array."""
        scope: dict[str, Any] = {"np": np, "new": self._new(x), "v0": x}
        exec(self._code, scope)  # noqa: S102 - lines are made by this module
        return {name: v for name, v in scope.items() if name.startswith("v")}

    @staticmethod
    def _new(x: Any) -> Any:
        if type(x) is np.ndarray:
            return lambda made: made.astype(x.dtype)
        return wg.tensor

    def __call__(self, x: Any) -> Any:
        total: Any = 0.0
        for k, v in enumerate(self.variables(x).values(), 1):
            weights = np.cos(np.arange(np.size(v)) + k).reshape(np.shape(v))
            total = total + np.sum(weights * v * v)
        return total


class _Draw:
    """Draws lines that suit the variables there are."""

    def __init__(self, rng: np.random.Generator, scope: dict[str, Any]) -> None:
        self.rng = rng
        self.scope = scope

    def pick(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def arrays(self) -> list[str]:
        return [n for n, v in self.scope.items() if isinstance(v, np.ndarray)]

    def line(self) -> str:
        kind = self.pick("view", "view", "value", "update", "update", "update", "name")
        a = self.pick(*self.arrays())
        if kind == "update":
            return self.update(a)
        variables = [n for n in self.scope if n.startswith("v")]
        made = f"v{len(variables)}"
        if kind == "name":
            return f"{made} = {self.pick(*variables)}"
        return f"{made} = {self.view(a) if kind == 'view' else self.value(a)}"

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
            f"{a} *= {self.pick(number, f'np.sin({b})')}",
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
