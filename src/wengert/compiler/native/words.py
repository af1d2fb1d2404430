"""A small subset of Python, translated to LLVM IR: what the native runtime (``runtime.py``) is written in.

Every value is a *word* of 64 bits, a number or an address. Functions take words and return a word; they may use
assignments, ``if``, ``while``, ``break``, ``continue``, ``return``, integer arithmetic, comparisons, ``and``, ``or``,
``not``, other functions of the same module, the module's integer constants, and the operations on memory declared
below, which exist natively only.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping

__all__ = [
    "add_to", "call", "call_double", "compare_exchange", "double_call", "exchange", "float32", "from_int", "int32",
    "load", "load_byte", "load_int", "pause", "store", "store_byte", "store_int", "translate",
]  # fmt: skip


def _native(*words: int) -> int:
    raise RuntimeError("This operation exists in translated functions only.")


load: Callable[..., int] = _native
"""``load(p, offset=0)``: the word at ``p + offset``."""
load_int: Callable[..., int] = _native
"""``load_int(p, offset=0)``: the signed 32-bit number there."""
load_byte: Callable[..., int] = _native
"""``load_byte(p, offset=0)``: the unsigned byte there."""
store: Callable[..., int] = _native
"""``store(p, offset, value)``."""
store_int: Callable[..., int] = _native
"""``store_int(p, offset, value)``: the lower 32 bits."""
store_byte: Callable[..., int] = _native
"""``store_byte(p, offset, value)``: the lower 8 bits."""
exchange: Callable[..., int] = _native
"""``exchange(p, value)``: put a word there and return the former one, atomically."""
add_to: Callable[..., int] = _native
"""``add_to(p, value)``: add to a word and return the former one, atomically."""
compare_exchange: Callable[..., int] = _native
"""``compare_exchange(p, old, new)``: put ``new`` there if ``old`` is there; return what was there, atomically."""
pause: Callable[..., int] = _native
"""``pause()``: tell the processor that this is a loop that waits."""
call: Callable[..., int] = _native
"""``call(function, *words)``: call the function at an address; it returns a word."""
call_double: Callable[..., int] = _native
"""``call_double(function, *words)``: the bits of the double that the function returns."""
double_call: Callable[..., int] = _native
"""``double_call(function, bits)``: call a function of one double, given as its bits; it returns a word."""
int32: Callable[..., int] = _native
"""``int32(word)``: what a C function returned as an ``int``."""
float32: Callable[..., int] = _native
"""``float32(bits)``: a double, by its bits, rounded to single precision, whose bits are returned."""
from_int: Callable[..., int] = _native
"""``from_int(word)``: the bits of the double nearest to an integer."""

_WIDTHS = {"load": 64, "load_int": 32, "load_byte": 8, "store": 64, "store_int": 32, "store_byte": 8}
_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
           ast.LShift: "shl", ast.RShift: "lshr", ast.FloorDiv: "sdiv", ast.Mod: "srem"}  # fmt: skip
_COMPARE = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "slt", ast.LtE: "sle", ast.Gt: "sgt", ast.GtE: "sge"}


def translate(source: str, names: Mapping[str, object]) -> str:
    r"""The functions of a module in this subset as LLVM IR.

    ``names`` are the module's names: its integers are constants, its functions, also those of other modules of the
    subset, can be called.

    >>> print(translate("def successor(x):\n    return x + 1", {}))
    define i64 @successor(i64 %x.in) {
      %x = alloca i64
      store i64 %x.in, ptr %x
      %1 = load i64, ptr %x
      %2 = add i64 %1, 1
      ret i64 %2
    }
    <BLANKLINE>
    """
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    own = {function.name for function in functions}
    native = {name for name, value in names.items() if inspect.isfunction(value) and value is not _native}
    return "".join(_Function(function, own | native, names).text() for function in functions)


class _Function:
    """The translation of one function. Variables live on the stack; LLVM moves them to registers."""

    def __init__(self, node: ast.FunctionDef, functions: set[str], constants: Mapping[str, object]) -> None:
        self.node, self.functions, self.constants = node, functions, constants
        self.lines: list[str] = []
        self.count = 0
        self.labels = 0
        self.loops: list[tuple[str, str]] = []
        self.parameters = [arg.arg for arg in node.args.args]
        assigned = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.variables = [*self.parameters, *sorted(assigned - set(self.parameters))]

    def text(self) -> str:
        for name in self.variables:
            self.put(f"%{name} = alloca i64")
        for name in self.parameters:
            self.put(f"store i64 %{name}.in, ptr %{name}")
        if not self.block(self.node.body):
            self.put("ret i64 0")
        head = ", ".join(f"i64 %{name}.in" for name in self.parameters)
        return f"define i64 @{self.node.name}({head}) {{\n" + "\n".join(self.lines) + "\n}\n"

    def put(self, line: str) -> None:
        self.lines.append(f"  {line}")

    def value(self, right: str) -> str:
        self.count += 1
        self.put(f"%{self.count} = {right}")
        return f"%{self.count}"

    def fresh(self, *kinds: str) -> list[str]:
        self.labels += 1
        return [f"{kind}.{self.labels}" for kind in kinds]

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def block(self, body: list[ast.stmt]) -> bool:
        """Translate statements; whether control cannot come to their end."""
        return any([self.statement(node) for node in body])

    def statement(self, node: ast.stmt) -> bool:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.put(f"store i64 {self.word(value)}, ptr %{name}")
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                left, right = self.value(f"load i64, ptr %{name}"), self.word(value)
                self.put(f"store i64 {self.value(f'{_BINARY[type(op)]} i64 {left}, {right}')}, ptr %{name}")
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=value):
                self.word(value)
            case ast.Return(value=value):
                self.put(f"ret i64 {self.word(value) if value else 0}")
                return True
            case ast.Break() | ast.Continue():
                self.put(f"br label %{self.loops[-1][isinstance(node, ast.Break)]}")
                return True
            case ast.If():
                return self.choice(node)
            case ast.While():
                return self.loop(node)
            case _:
                raise TypeError(f"{self.node.name}: not in the subset: {ast.unparse(node)}")
        return False

    def choice(self, node: ast.If) -> bool:
        then, other, after = self.fresh("then", "else", "after")
        self.branch(node.test, then, other)
        self.label(then)
        ends = self.block(node.body)
        if not ends:
            self.put(f"br label %{after}")
        self.label(other)
        other_ends = self.block(node.orelse)
        if not other_ends:
            self.put(f"br label %{after}")
        if ends and other_ends:
            return True
        self.label(after)
        return False

    def loop(self, node: ast.While) -> bool:
        test, body, after = self.fresh("test", "body", "done")
        endless = isinstance(node.test, ast.Constant)
        self.put(f"br label %{test}")
        self.label(test)
        if endless:
            self.put(f"br label %{body}")
        else:
            self.branch(node.test, body, after)
        self.label(body)
        self.loops.append((test, after))
        if not self.block(node.body):
            self.put(f"br label %{test}")
        self.loops.pop()
        if endless and not any(isinstance(inner, ast.Break) for inner in ast.walk(node)):
            return True
        self.label(after)
        return False

    def branch(self, test: ast.expr, true: str, false: str) -> None:
        """Jump to one of two labels."""
        match test:
            case ast.BoolOp(op=op, values=values):
                for value in values[:-1]:
                    (more,) = self.fresh("more")
                    self.branch(value, *((more, false) if isinstance(op, ast.And) else (true, more)))
                    self.label(more)
                self.branch(values[-1], true, false)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.branch(operand, false, true)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                kind = _COMPARE[type(op)]
                met = self.value(f"icmp {kind} i64 {self.word(left)}, {self.word(right)}")
                self.put(f"br i1 {met}, label %{true}, label %{false}")
            case _:
                met = self.value(f"icmp ne i64 {self.word(test)}, 0")
                self.put(f"br i1 {met}, label %{true}, label %{false}")

    def word(self, node: ast.expr) -> str:
        """Translate an expression; the name of its value."""
        match node:
            case ast.Constant(value=int(value)):
                return str(int(value))
            case ast.Name(id=name) if name in self.variables:
                return self.value(f"load i64, ptr %{name}")
            case ast.Name(id=name) if isinstance(number := self.constants.get(name), int):
                return str(number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.value(f"sub i64 0, {self.word(operand)}")
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self.word(left), self.word(right)
                return self.value(f"{_BINARY[type(op)]} i64 {a}, {b}")
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                met = self.value(f"icmp {_COMPARE[type(op)]} i64 {self.word(left)}, {self.word(right)}")
                return self.value(f"zext i1 {met} to i64")
            case ast.Call(func=ast.Name(id=name), args=args):
                return self.application(name, [self.word(arg) for arg in args])
        raise TypeError(f"{self.node.name}: not in the subset: {ast.unparse(node)}")

    def application(self, name: str, args: list[str]) -> str:
        if name in self.functions:
            return self.value(f"call i64 @{name}({self.listed(args)})")
        if name in _WIDTHS:
            return self.memory(name, _WIDTHS[name], args)
        match name:
            case "exchange":
                address = self.value(f"inttoptr i64 {args[0]} to ptr")
                return self.value(f"atomicrmw xchg ptr {address}, i64 {args[1]} seq_cst")
            case "add_to":
                address = self.value(f"inttoptr i64 {args[0]} to ptr")
                return self.value(f"atomicrmw add ptr {address}, i64 {args[1]} seq_cst")
            case "compare_exchange":
                address = self.value(f"inttoptr i64 {args[0]} to ptr")
                pair = self.value(f"cmpxchg ptr {address}, i64 {args[1]}, i64 {args[2]} seq_cst seq_cst")
                return self.value(f"extractvalue {{i64, i1}} {pair}, 0")
            case "pause":
                self.put("call void @wait_a_little()")
                return "0"
            case "call":
                return self.value(f"call i64 {self.value(f'inttoptr i64 {args[0]} to ptr')}({self.listed(args[1:])})")
            case "call_double":
                function = self.value(f"inttoptr i64 {args[0]} to ptr")
                result = self.value(f"call double {function}({self.listed(args[1:])})")
                return self.value(f"bitcast double {result} to i64")
            case "double_call":
                function = self.value(f"inttoptr i64 {args[0]} to ptr")
                number = self.value(f"bitcast i64 {args[1]} to double")
                return self.value(f"call i64 {function}(double {number})")
            case "int32":
                return self.value(f"sext i32 {self.value(f'trunc i64 {args[0]} to i32')} to i64")
            case "float32":
                single = self.value(f"fptrunc double {self.value(f'bitcast i64 {args[0]} to double')} to float")
                return self.value(f"zext i32 {self.value(f'bitcast float {single} to i32')} to i64")
            case "from_int":
                return self.value(f"bitcast double {self.value(f'sitofp i64 {args[0]} to double')} to i64")
        raise TypeError(f"{self.node.name}: no function {name}")

    def memory(self, name: str, width: int, args: list[str]) -> str:
        if len(args) > 1 and args[1] != "0":
            address = self.value(f"inttoptr i64 {self.value(f'add i64 {args[0]}, {args[1]}')} to ptr")
        else:
            address = self.value(f"inttoptr i64 {args[0]} to ptr")
        align = f"align {width // 8}"
        if name.startswith("store"):
            number = args[2] if width == 64 else self.value(f"trunc i64 {args[2]} to i{width}")
            self.put(f"store i{width} {number}, ptr {address}, {align}")
            return "0"
        number = self.value(f"load i{width}, ptr {address}, {align}")
        if width == 64:
            return number
        return self.value(f"{'zext' if width == 8 else 'sext'} i{width} {number} to i64")

    @staticmethod
    def listed(args: list[str]) -> str:
        return ", ".join(f"i64 {arg}" for arg in args)
