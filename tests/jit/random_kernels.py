"""Random kernels and memory for them. Numbers are small, so that sums and products are exact in any order."""

from __future__ import annotations

import numpy as np

from wengert.compiler.kernel import REDUCTIONS, Instruction, Kernel, Operand, Stage

NUMBERS = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMMON = ("add", "sub", "mul", "maximum", "minimum")
FLOATING = (*COMMON, "fmax", "fmin", "floor", "abs", "neg", "sign", "copysign", "rint", "trunc", "remainder")
INTEGRAL = (*COMMON, "and", "or", "xor", "not", "shl", "shr", "floor_divide", "remainder", "fmod")
UNARY = ("floor", "abs", "neg", "sign", "rint", "trunc", "not")
BOOL = np.dtype(bool)
INT64 = np.dtype(np.int64)
INT32 = np.dtype(np.int32)


def values(rng: np.random.Generator, dtype: np.dtype, size: int) -> np.ndarray:
    """Data with some of what is special."""
    if dtype.kind == "b":
        return rng.random(size) < 0.5
    low = 0 if dtype.kind == "u" else -6
    array = rng.integers(low, 7, size).astype(dtype)
    if dtype.kind == "f":
        array = array / dtype.type(2)
        special = rng.random(size) < 0.01
        array[special] = rng.choice([np.nan, np.inf, -np.inf, -0.0], special.sum())
    return array


class Draw:
    """A kernel in the making."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows = tuple(int(self.extent()) for _ in range(self.rng.integers(0, 4)))
        while np.prod(self.rows) > 200:
            self.rows = self.rows[1:]
        self.inner = int(self.extent())
        self.lanes = str(self.rng.choice(["inner", "rows"]))
        self.operands: list[Operand] = []
        self.memories: list[tuple[np.ndarray, int]] = []
        self.count = 0
        self.rowwise: list[tuple[int, np.dtype]] = []
        self.local: list[tuple[int, np.dtype]] = []
        self.made: list[Instruction] = []
        self.dtypes = [np.dtype(name) for name in self.rng.choice(NUMBERS, 2)]

    def extent(self) -> int:
        choice = self.rng.random()
        return int(
            self.rng.integers(0, 5)
            if choice < 0.3
            else self.rng.integers(1, 20)
            if choice < 0.7
            else self.rng.integers(5, 150)
        )

    def operand(self, dtype: np.dtype, use: str, in_body: bool) -> int:
        """Memory of its own. What is read may have any steps; what is written, no element twice."""
        extents = [*self.rows, self.inner if in_body else 1]
        order = self.rng.permutation(len(extents)) if self.rng.random() < 0.3 else np.arange(len(extents))[::-1]
        steps, dense = [0] * len(extents), int(self.rng.choice([1, 1, 1, 2, 3]))
        for axis in order:
            sign = -1 if self.rng.random() < 0.15 else 1
            steps[axis] = sign * dense
            dense *= max(extents[axis], 1)
        for axis in range(len(extents)):
            if use in ("read", *REDUCTIONS) and self.rng.random() < 0.25:
                steps[axis] = 0
        if use == "scratch":
            steps = [0] * len(self.rows) + [1]
        if not in_body:
            steps[-1] = 0
        spans = [step * max(extent - 1, 0) for step, extent in zip(steps, extents, strict=True)]
        low, high = sum(min(span, 0) for span in spans), sum(max(span, 0) for span in spans)
        pad = 3
        self.memories.append((values(self.rng, dtype, high - low + 1 + 2 * pad), pad - low))
        self.operands.append(Operand(dtype, tuple(steps[:-1]), steps[-1], use))
        return len(self.operands) - 1

    def add(
        self, instructions: list[Instruction], fn: str, args: tuple[int, ...], dtype: np.dtype, attr: object = None
    ) -> int:
        instructions.append(Instruction(fn, args, dtype, attr))
        self.count += 1
        return self.count - 1

    def value(self, out: list[Instruction], in_body: bool, dtype: np.dtype | None = None) -> tuple[int, np.dtype]:
        """A value of a dtype: one that is there, a load, a constant, a position."""
        there = [
            pair for pair in (*self.rowwise, *(self.local if in_body else ())) if dtype is None or dtype == pair[1]
        ]
        if there and self.rng.random() < 0.6:
            return there[self.rng.integers(len(there))]
        dtype = dtype or self.dtypes[self.rng.integers(2)]
        choice = self.rng.random()
        if choice < 0.1:
            number = self.add(out, "constant", (), dtype, values(self.rng, dtype, 1)[0].item())
        elif choice < 0.2 and (self.rows or in_body) and dtype.kind != "b":
            axis = int(self.rng.integers(-1 if in_body else 0, len(self.rows)))
            number = self.add(out, "index", (), INT64, axis)
            number = self.add(out, "cast", (number,), dtype)
        elif choice < 0.35:
            number = self.gather(out, in_body, dtype)
        else:
            number = self.add(out, "load", (), dtype, (self.operand(dtype, "read", in_body),))
        (self.local if in_body else self.rowwise).append((number, dtype))
        return number, dtype

    def position(self, out: list[Instruction], in_body: bool) -> tuple[int, int]:
        extent = int(self.rng.integers(6, 9))
        if self.rng.random() < 0.1:
            extent = 3  # then some are outside
        number, _ = self.value(out, in_body, INT64)
        six = self.add(out, "constant", (), INT64, 6)
        return self.add(out, "fmod", (number, six), INT64), extent

    def table(self, dtype: np.dtype, use: str, extents: list[int], in_body: bool) -> tuple[int, int, tuple[int, ...]]:
        """An operand with axes that positions run along, and a status."""
        size = int(np.prod(extents))
        inner = size if in_body and self.rng.random() < 0.4 else 0
        rows = tuple(size * self.inner * int(self.rng.random() < 0.3) for _ in self.rows)
        reach = (
            inner * max(self.inner - 1, 0) + sum(r * max(e - 1, 0) for r, e in zip(rows, self.rows, strict=True)) + size
        )
        self.memories.append((values(self.rng, dtype, reach + 6), 3))
        self.operands.append(Operand(dtype, rows, inner, use))
        self.memories.append((np.zeros(1, np.int32), 0))
        self.operands.append(Operand(INT32, (0,) * len(self.rows), 0, "write"))
        steps = tuple(int(np.prod(extents[k + 1 :])) for k in range(len(extents)))
        return len(self.operands) - 2, len(self.operands) - 1, steps

    def gather(self, out: list[Instruction], in_body: bool, dtype: np.dtype) -> int:
        pairs = [self.position(out, in_body) for _ in range(self.rng.integers(1, 3))]
        extents = [extent for _, extent in pairs]
        k, status, steps = self.table(dtype, "read", extents, in_body)
        return self.add(out, "gather", tuple(number for number, _ in pairs), dtype, (k, status, steps, tuple(extents)))

    def compute(self, out: list[Instruction], in_body: bool) -> None:
        a, dtype = self.value(out, in_body)
        choice = self.rng.random()
        if choice < 0.15:
            b, _ = self.value(out, in_body, dtype)
            number, dtype = (
                self.add(out, str(self.rng.choice(["lt", "le", "gt", "ge", "eq", "ne"])), (a, b), BOOL),
                BOOL,
            )
        elif choice < 0.25:
            target = self.dtypes[self.rng.integers(2)]
            if dtype.kind == "f" and target.kind in "iu":
                return
            number, dtype = self.add(out, "cast", (a,), target), target
        elif choice < 0.35:
            b, _ = self.value(out, in_body, dtype)
            test, _ = self.value(out, in_body, BOOL)
            number = self.add(out, "select", (test, a, b), dtype)
        else:
            names = (
                ("and", "or", "xor", "not", "maximum", "add", "mul")
                if dtype.kind == "b"
                else FLOATING
                if dtype.kind == "f"
                else INTEGRAL
            )
            fn = str(self.rng.choice(names))
            if fn == "mul" and dtype.kind == "f":
                b = self.add(out, "load", (), dtype, (self.operand(dtype, "read", in_body),))
            else:
                b, _ = self.value(out, in_body, dtype)
            number = self.add(out, fn, (a,) if fn in UNARY else (a, b), dtype)
        (self.local if in_body else self.rowwise).append((number, dtype))

    def store(self, out: list[Instruction], in_body: bool, use: str) -> None:
        number, dtype = self.value(out, in_body)
        if dtype.kind == "b" and use in REDUCTIONS:
            use = "any"
        elif dtype.kind != "b" and use in ("any", "all"):
            use = "max"
        self.add(out, "store", (number,), dtype, (self.operand(dtype, use, in_body),))

    def scatter(self, out: list[Instruction], in_body: bool) -> None:
        number, dtype = self.value(out, in_body)
        at, extent = self.position(out, in_body)
        k, status, steps = self.table(dtype, str(self.rng.choice(["write", "max"])), [extent], in_body)
        self.add(out, "scatter", (number, at), dtype, (k, status, steps, (extent,)))

    def stage(self) -> Stage:
        scalars: list[Instruction] = []
        for _ in range(self.rng.integers(0, 4)):
            self.compute(scalars, False)
        if self.rng.random() < 0.5:
            self.store(scalars, False, str(self.rng.choice(["write", "sum", "max", "any"])))
        body: list[Instruction] = []
        self.local = []
        for _ in range(self.rng.integers(0, 6)):
            self.compute(body, True)
        for _ in range(self.rng.integers(0, 3)):
            self.store(body, True, str(self.rng.choice(["write", "sum", "min", "any"])))
        if self.rng.random() < 0.15:
            self.scatter(body, True)
        reductions = []
        for _ in range(self.rng.integers(0, 3)):
            number, dtype = self.value(body, True)
            kinds = ("any", "all") if dtype.kind == "b" else ("sum", "max", "min")
            reductions.append((self.add(body, "reduce", (number,), dtype, str(self.rng.choice(kinds))), dtype))
        self.rowwise += reductions
        return Stage(tuple(scalars), tuple(body))

    def kernel(self) -> Kernel:
        stages = [self.stage() for _ in range(self.rng.integers(1, 4))]
        last: list[Instruction] = []
        for _ in range(2):
            self.store(last, False, "write")
        stages.append(Stage(tuple(last), ()))
        return Kernel(self.rows, self.inner, tuple(self.operands), tuple(stages), self.lanes)  # type: ignore[arg-type]
