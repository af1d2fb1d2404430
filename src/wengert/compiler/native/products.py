"""Small products of a matrix and a vector, where calling BLAS takes longer than the product.

``wg_columns_<x>`` computes ``out[j] = sum over i of vec[i] * mat[i, j]``, along the rows of the matrix; ``wg_dots_<x>``
computes ``out[i] = sum over j of mat[i, j] * vec[j]``. Both add to what is there if ``add`` is 1. ``x`` is ``s`` or
``d``, for float32 or float64. There are several partial sums at a time; the order of a sum depends on the sizes alone.

The IR is written as templates. A line that begins with ``*`` stands for several, in which ``#`` is a number from 0 on:
vectors side by side, or rows.
"""

from __future__ import annotations

__all__ = ["ARGUMENTS", "SMALL", "product_ir"]

ARGUMENTS = ("mat", "ld", "vec", "incx", "add", "out", "incy", "rows", "cols", "sm", "sv", "so")
"""What the functions take in their array of arguments: addresses, elements between rows, between elements of the vector
and between those of the result, sizes, and the steps of a batch in bytes."""

SMALL = 8192
"""Matrices of at most so many elements are handled here."""

_SIZES = {"s": ("float", 4), "d": ("double", 8)}


def product_ir(kind: str, x: str, vector_bytes: int) -> str:
    """The function ``wg_<kind>_<x>``; ``kind`` is ``"columns"`` or ``"dots"``."""
    number, size = _SIZES[x]
    write = {"columns": _columns, "dots": _dots}[kind]
    return write(f"wg_{kind}_{x}", number, size, vector_bytes // size)


def _expanded(template: str, count: int, **names: object) -> str:
    lines: list[str] = []
    for line in template.strip("\n").splitlines():
        if line.startswith("*"):
            lines += [" " + line[1:].replace("#", str(i)) for i in range(count)]
        else:
            lines.append(line)
    return "\n".join(lines).format(**names) + "\n"


def _function(name: str, body: str, first: str, last: str) -> str:
    """A function around blocks ``first`` to ``last``, which do one product of the batch."""
    words = "".join(
        f"  %{word}.at = getelementptr i64, ptr %argv, i64 {i}\n  %{word} = load i64, ptr %{word}.at\n"
        for i, word in enumerate(ARGUMENTS)
    )
    bases = "".join(
        f"  %{word}.step = mul i64 %batch, %s{word[0]}\n  %{word}.sum = add i64 %{word}, %{word}.step\n"
        f"  %{word}.p = inttoptr i64 %{word}.sum to ptr\n"
        for word in ("mat", "vec", "out")
    )
    return f"""define void @{name}(ptr %argv, i64 %begin, i64 %end) {{
{words}  %adds = icmp ne i64 %add, 0
  br label %test
test:
  %batch = phi i64 [%begin, %0], [%batch.next, %{last}]
  %more = icmp slt i64 %batch, %end
  br i1 %more, label %start, label %leave
start:
{bases}  br label %{first}
{body}{last}:
  %batch.next = add i64 %batch, 1
  br label %test
leave:
  ret void
}}
"""


# Columns: for a block of columns, rows are added up, two at a time.

_COLUMN_BLOCK = """
{b}.test:
  %{b}.j = phi i64 [{first}, %{from_}], [%{b}.next, %{b}.done]
  %{b}.next = add i64 %{b}.j, {block}
  %{b}.more = icmp sle i64 %{b}.next, %cols
  br i1 %{b}.more, label %{b}.body, label %{after}.test
{b}.body:
  %{b}.mat = getelementptr {number}, ptr %mat.p, i64 %{b}.j
  %{b}.out = getelementptr {number}, ptr %out.p, i64 %{b}.j
* %{b}.out# = getelementptr {kind}, ptr %{b}.out, i64 #
  br i1 %adds, label %{b}.add, label %{b}.rows
{b}.add:
* %{b}.former# = load {kind}, ptr %{b}.out#, align {size}
  br label %{b}.rows
{b}.rows:
* %{b}.first# = phi {kind} [{zero}, %{b}.body], [%{b}.former#, %{b}.add]
  br label %{b}.row
{b}.row:
  %{b}.i = phi i64 [0, %{b}.rows], [%{b}.i.next, %{b}.two]
* %{b}.a# = phi {kind} [%{b}.first#, %{b}.rows], [%{b}.a#.next, %{b}.two]
* %{b}.b# = phi {kind} [{zero}, %{b}.rows], [%{b}.b#.next, %{b}.two]
  %{b}.i.next = add i64 %{b}.i, 2
  %{b}.pair = icmp sle i64 %{b}.i.next, %rows
  br i1 %{b}.pair, label %{b}.two, label %{b}.last
{b}.two:
  %{b}.i.odd = add i64 %{b}.i, 1
{even}{odd}
* %{b}.a#.next = fadd contract {kind} %{b}.a#, %{b}.even.t#
* %{b}.b#.next = fadd contract {kind} %{b}.b#, %{b}.odd.t#
  br label %{b}.row
{b}.last:
* %{b}.c# = fadd {kind} %{b}.a#, %{b}.b#
  %{b}.single = icmp slt i64 %{b}.i, %rows
  br i1 %{b}.single, label %{b}.one, label %{b}.done
{b}.one:
{one}
* %{b}.d# = fadd contract {kind} %{b}.c#, %{b}.one.t#
  br label %{b}.done
{b}.done:
* %{b}.e# = phi {kind} [%{b}.c#, %{b}.last], [%{b}.d#, %{b}.one]
* store {kind} %{b}.e#, ptr %{b}.out#, align {size}
  br label %{b}.test
"""

_ROW = """
  %{b}.{r}.x.o = mul i64 {i}, %incx
  %{b}.{r}.x.p = getelementptr {number}, ptr %vec.p, i64 %{b}.{r}.x.o
  %{b}.{r}.x.1 = load {number}, ptr %{b}.{r}.x.p, align {size}
{splat}
  %{b}.{r}.o = mul i64 {i}, %ld
  %{b}.{r}.p = getelementptr {number}, ptr %{b}.mat, i64 %{b}.{r}.o
* %{b}.{r}.p# = getelementptr {kind}, ptr %{b}.{r}.p, i64 #
* %{b}.{r}.m# = load {kind}, ptr %{b}.{r}.p#, align {size}
* %{b}.{r}.t# = fmul contract {kind} %{b}.{r}.x, %{b}.{r}.m#
"""

_SPLAT = """
  {x}.0 = insertelement {kind} poison, {number} {x}.1, i64 0
  {x} = shufflevector {kind} {x}.0, {kind} poison, <{width} x i32> zeroinitializer
"""


def _columns(name: str, number: str, size: int, lanes: int) -> str:
    """Blocks of columns, from two vectors down to one element."""
    blocks = [(2, lanes), (1, lanes), *((n, w) for n, w in ((2, 4), (1, 4), (1, 2)) if n * w < lanes), (1, 1)]
    text = ""
    for at, (vectors, width) in enumerate(blocks):
        b, before = f"b{at}", f"b{at - 1}"
        kind, zero = (number, "0.0") if width == 1 else (f"<{width} x {number}>", "zeroinitializer")
        names = {"b": b, "number": number, "size": size, "kind": kind, "width": width}

        def row(r: str, i: str, names: dict[str, object] = names, vectors: int = vectors) -> str:
            x = f"%{names['b']}.{r}.x"
            one = names["width"] == 1
            splat = f"  {x} = fadd {number} {x}.1, -0.0" if one else _expanded(_SPLAT, 0, x=x, **names)
            return _expanded(_ROW, vectors, r=r, i=i, splat=splat, **names)

        text += _expanded(
            _COLUMN_BLOCK, vectors, **names, zero=zero, block=vectors * width, after=f"b{at + 1}",
            first=f"%{before}.j" if at else "0", from_=f"{before}.test" if at else "start",
            even=row("even", f"%{b}.i"), odd=row("odd", f"%{b}.i.odd"), one=row("one", f"%{b}.i"),
        )  # fmt: skip
    return _function(name, text, "b0.test", f"b{len(blocks)}.test")


# Dots: for several rows at a time, vectors, shorter vectors, then elements are added up.

_ROWS = """
{g}.test:
  %{g}.i = phi i64 [{first}, %{from_}], [%{g}.next, %{g}.put]
  %{g}.next = add i64 %{g}.i, {rows}
  %{g}.more = icmp sle i64 %{g}.next, %rows
  br i1 %{g}.more, label %{g}.body, label %{after}.test
{g}.body:
* %{g}.i# = add i64 %{g}.i, #
* %{g}.o# = mul i64 %{g}.i#, %ld
* %{g}.m# = getelementptr {number}, ptr %mat.p, i64 %{g}.o#
* %{g}.y.o# = mul i64 %{g}.i#, %incy
* %{g}.y# = getelementptr {number}, ptr %out.p, i64 %{g}.y.o#
  br i1 %adds, label %{g}.add, label %{g}.start
{g}.add:
* %{g}.former# = load {number}, ptr %{g}.y#, align {size}
  br label %{g}.start
{g}.start:
* %{g}.s# = phi {number} [0.0, %{g}.body], [%{g}.former#, %{g}.add]
  %{g}.j = add i64 0, 0
  br label %{g}v.start
{parts}
{g}e.start:
  br label %{g}.put
{g}.put:
* store {number} %{last}.s#, ptr %{g}.y#, align {size}
  br label %{g}.test
"""

_ALONG = """
{v}.start:
  br label %{v}.test
{v}.test:
  %{v}.j = phi i64 [%{u}.j, %{v}.start], [%{v}.next, %{v}.body]
* %{v}.a# = phi {kind} [{zero}, %{v}.start], [%{v}.a#.next, %{v}.body]
  %{v}.next = add i64 %{v}.j, {width}
  %{v}.more = icmp sle i64 %{v}.next, %cols
  br i1 %{v}.more, label %{v}.body, label %{v}.sum
{v}.body:
  %{v}.x.p = getelementptr {number}, ptr %vec.p, i64 %{v}.j
  %{v}.x = load {kind}, ptr %{v}.x.p, align {size}
* %{v}.p# = getelementptr {number}, ptr %{g}.m#, i64 %{v}.j
* %{v}.m# = load {kind}, ptr %{v}.p#, align {size}
* %{v}.t# = fmul contract {kind} %{v}.m#, %{v}.x
* %{v}.a#.next = fadd contract {kind} %{v}.a#, %{v}.t#
  br label %{v}.test
{v}.sum:
* %{v}.r# = {total} %{v}.a#{end}
* %{v}.s# = fadd {number} %{u}.s#, %{v}.r#
  br label %{after}.start
"""


def _dots(name: str, number: str, size: int, lanes: int) -> str:
    text, declarations = "", set()
    for at, rows in enumerate((4, 1)):
        g, before = f"g{at}", f"g{at - 1}"
        parts, u = "", g
        widths = [("v", lanes), *([("w", 4)] if lanes > 4 else []), ("x", 1)]
        for (letter, width), (following, _) in zip(widths, [*widths[1:], ("e", 0)], strict=True):
            kind, zero, total, end = number, "0.0", f"fadd {number}", ", -0.0"
            if width > 1:
                reduce = f"@llvm.vector.reduce.fadd.v{width}f{8 * size}"
                kind, zero, end = f"<{width} x {number}>", "zeroinitializer", ")"
                total = f"call reassoc {number} {reduce}({number} -0.0, {kind}"
                declarations.add(f"declare {number} {reduce}({number}, {kind})\n")
            parts += _expanded(
                _ALONG, rows, v=g + letter, u=u, g=g, number=number, size=size, kind=kind, zero=zero, width=width,
                total=total, end=end, after=g + following,
            )  # fmt: skip
            u = g + letter
        text += _expanded(
            _ROWS, rows, g=g, number=number, size=size, rows=rows, parts=parts, last=u, after=f"g{at + 1}",
            first=f"%{before}.i" if at else "0", from_=f"{before}.test" if at else "start",
        )  # fmt: skip
    return "".join(sorted(declarations)) + _function(name, text, "g0.test", "g2.test")
