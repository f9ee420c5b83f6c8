"""Generated code of matrix products: tiles of ``small`` and ``large``, or each one call of BLAS.

The tiles are fixed by the shape, so the numbers do not depend on the threads; nor, where tiles are large, on how
operands are stored (``any_layout``). They are shared out like any other
items: no thread waits for a late one, as the library's own threads do for each other.
"""

import ctypes
from collections.abc import Iterable
from functools import lru_cache
from string import Template

from tenure.runtime import large, selected, small

__all__ = ["Product", "source", "tiling"]


class Product(ctypes.Structure):
    """One product, or a batch of them: c ← alpha · op(a) op(b) + beta · c, row-major; op transposes if asked.

    op(a) is m × k, op(b) is k × n, c is m × n. `lda`, `ldb`, `ldc` are the elements from row to row as stored,
    `stride_*` those from one matrix of the batch to the next. Tiles are `rows` × `columns` elements of c and are
    handed to the threads in `pieces` blocks: `tiling` gives the three. Sides and `ld*` are below 2³¹.
    `selects` has bit 0 where −0.0 in a, and bit 1 where −0.0 in b, is an element that is not selected; with `marks` it
    is one in c too (`selected`).
    """

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("a", "b", "c")),
        *((name, ctypes.c_int64) for name in ("m", "n", "k", "lda", "ldb", "ldc")),
        *((name, ctypes.c_int64) for name in ("batch", "stride_a", "stride_b", "stride_c")),
        *((name, ctypes.c_int64) for name in ("transpose_a", "transpose_b", "rows", "columns", "pieces")),
        *((name, ctypes.c_double) for name in ("alpha", "beta")),
        *((name, ctypes.c_int64) for name in ("selects", "marks")),
    )


SMALL, LOW = 1 << 22, 48
"""Multiplications of a tile, and rows of one, up to which code of our own takes it (``small``)."""
ROWS = 288
"""Rows of a tile of a product that is many with one right operand."""
UNPACKED = 10**6
"""Number of multiplications up to which the library reads its operands unpacked, 20 % faster than packed."""


def any_layout(m: int, n: int, k: int) -> bool:
    """Whether a product has the same bits however its operands are stored.

    The library packs operands of more than UNPACKED multiplications, transposed or not, into the same panels; below it
    has a kernel for each pair of layouts, and of its own for vectors. A result and its transpose differ at any size.
    """
    found = tiling(m, n, k, 1)
    rows, columns = found["rows"], found["columns"]
    least = ((m - 1) % rows + 1) * ((n - 1) % columns + 1) * k
    return min(m, n) > 1 and least > UNPACKED


@lru_cache(maxsize=1024)
def tiling(m: int, n: int, k: int, batch: int) -> dict[str, int]:
    """Tile sizes `rows`, `columns` and `pieces` for a product of this shape.

    A tile packs its operands anew, and whole rows go fastest: tiles of 256 rows cost some 3 to 9 % over the whole
    product, of 128 rows 10 %, squares of 128 20 %. Below 2²² multiplications tiles are so small that nothing is
    packed.
    """
    volume = m * n * k
    goal = max(2, min(volume >> 25, 64))
    if volume < 1 << 22:
        goal = -(-volume // UNPACKED)
    down = max(1, min(goal, -(-m // 256)))
    across = max(1, min(-(-goal // down), -(-n // 1024)))
    while down * across < min(goal, 4):
        if 2 * m * across >= n * down:
            down *= 2
        else:
            across *= 2
    step = 16 if volume < 1 << 22 else small.BLOCK if m >= 4 * down * small.BLOCK else small.BLOCK // 2
    rows, columns = _part(m, down, step), _part(n, across, 16)
    tiles = batch * -(-m // rows) * -(-n // columns)
    return {"rows": rows, "columns": columns, "pieces": max(1, min(tiles, batch * volume >> 18))}


def _part(side: int, parts: int, step: int) -> int:
    """A `parts`-th of `side`, up to a multiple of `step`: blocks of the kernels."""
    return max(1, min(side, -(side // (-step * parts)) * step)) if parts > 1 else max(1, side)


def source(prefix: str, lanes: int, all_own: bool) -> str:
    """Source of the module for BLAS's `prefix`, "s" or "d": `void gemm(const Product *)`, on `parallel` and BLAS's
    `@blas`; with code of its own for small tiles, of vectors of so many numbers, or 0 where BLAS takes all, and for
    large ones too if ``all_own``: neighbours of one thread down the columns are one product then."""
    real, narrowed = {"s": ("float", "fptrunc double %{0} to float"), "d": ("double", "fadd double %{0}, -0.0")}[prefix]
    fields = _reads(field[0] for field in Product._fields_)
    word, infinity = {"s": ("i32", "2139095040"), "d": ("i64", "9218868437227405312")}[prefix]
    size = {"s": 4, "d": 8}[prefix]
    own = small.source(real, size, lanes) if lanes else _NONE.replace("@own", "@small")
    own += large.source(real, size, lanes) if all_own else _NONE.replace("@own", "@large")
    own += Template(_FLAT if all_own else _AS_IT_IS).substitute(
        FIELDS=_reads(_ASKED),
        SIZE=ctypes.sizeof(Product),
        SHARES=_writes({"pieces": "shares"}),
        KEPT=_writes({"m": "high", "batch": "1", "rows": "strip"}),
        ROWS=ROWS,
    )
    return (
        own
        + Template(_MODULE).substitute(
            REAL=real,
            SMALL=SMALL if lanes else -1,
            LOW=LOW if lanes else -1,
            OWN="true" if all_own else "false",
            SIZE=ctypes.sizeof(Product),
            SIZES=_reads(["m", "n", "batch", "rows", "columns", "pieces", "selects"]),
            FIELDS=fields,
            SCALARS="\n".join(f"  %{name}.r = {narrowed.format(name)}" for name in ("alpha", "beta")),
        )
        + selected.source(real, word, infinity, fields)
    )


def _reads(names: Iterable[str]) -> str:
    """Instructions that load fields of the Product `%p`, each into a value of its name."""
    llvm = {ctypes.c_void_p: "ptr", ctypes.c_int64: "i64", ctypes.c_double: "double"}
    kinds = {field[0]: llvm[field[1]] for field in Product._fields_}
    lines = []
    for name in names:
        lines.append(f"  %{name}.p = getelementptr i8, ptr %p, i64 {getattr(Product, name).offset}")
        lines.append(f"  %{name} = load {kinds[name]}, ptr %{name}.p")
    return "\n".join(lines)


def _writes(values: dict[str, str]) -> str:
    """Instructions that store values into fields of the Product `%q`."""
    lines = []
    for name, value in values.items():
        lines.append(f"  %{name}.q = getelementptr i8, ptr %q, i64 {getattr(Product, name).offset}")
        lines.append(f"  store i64 {value if value.isdigit() else '%' + value}, ptr %{name}.q")
    return "\n".join(lines)


_NONE = """
define internal void @own(i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64) {
  ret void
}
"""

_STRIDES = ("lda", "ldc", "stride_a", "stride_b", "stride_c")
_ASKED = ("m", "n", "batch", "rows", "pieces", *_STRIDES, "transpose_a", "alpha", "beta")
_AS_IT_IS = """
define internal void @flat(ptr %p, ptr %q) alwaysinline {
  call void @llvm.memcpy.p0.p0.i64(ptr %q, ptr %p, i64 $SIZE, i1 false)
  ret void
}
"""

_FLAT = """
@workers = external global i32

; q is p: a batch with one right operand, of matrices that lie one after the other, as one product, and few shares for
; each thread, so that it copies that operand once for many rows
define internal void @flat(ptr %p, ptr %q) {
$FIELDS
  call void @llvm.memcpy.p0.p0.i64(ptr %q, ptr %p, i64 $SIZE, i1 false)
  %found = load atomic i32, ptr @workers monotonic, align 4
  %unknown = icmp slt i32 %found, 0
  %known = sext i32 %found to i64
  %others = select i1 %unknown, i64 255, i64 %known
  %threads = add i64 %others, 1
  %most = mul i64 %threads, 4
  %shares = call i64 @llvm.smin.i64(i64 %pieces, i64 %most)
$SHARES
  %a.size = mul i64 %m, %lda
  %c.size = mul i64 %m, %ldc
  %many = icmp sgt i64 %batch, 1
  %a.follows = icmp eq i64 %stride_a, %a.size
  %c.follows = icmp eq i64 %stride_c, %c.size
  %b.stays = icmp eq i64 %stride_b, 0
  %a.stored = icmp eq i64 %transpose_a, 0
  %once = fcmp oeq double %alpha, 1.0
  %anew = fcmp oeq double %beta, 0.0
  %y1 = and i1 %many, %a.follows
  %y2 = and i1 %y1, %c.follows
  %y3 = and i1 %y2, %b.stays
  %y4 = and i1 %y3, %a.stored
  %y5 = and i1 %y4, %once
  %y6 = and i1 %y5, %anew
  br i1 %y6, label %one, label %done
one:
  %high = mul i64 %m, %batch
  %lower = call i64 @llvm.smin.i64(i64 %high, i64 $ROWS)
  %strip = call i64 @llvm.smax.i64(i64 %rows, i64 %lower)
$KEPT
  br label %done
done:
  ret void
}
"""

_MODULE = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i64 @llvm.smax.i64(i64, i64)
declare void @parallel(ptr, ptr, i64, i64)
declare void @blas(i32, i32, i32, i32, i32, i32, $REAL, ptr, i32, ptr, i32, $REAL, ptr, i32)
declare i64 @llvm.smin.i64(i64, i64)

define internal i64 @parts(i64 %side, i64 %part) alwaysinline {
  %sum = add i64 %side, %part
  %less = sub i64 %sum, 1
  %count = udiv i64 %less, %part
  ret i64 %count
}

define void @gemm(ptr %given) {
  %p = alloca [$SIZE x i8], align 16
  call void @flat(ptr %given, ptr %p)
$SIZES
  %down = call i64 @parts(i64 %m, i64 %rows)
  %across = call i64 @parts(i64 %n, i64 %columns)
  %each = mul i64 %down, %across
  %items = mul i64 %each, %batch
  call void @parallel(ptr @tiles, ptr %p, i64 %items, i64 %pieces)
  %plain = icmp eq i64 %selects, 0
  br i1 %plain, label %done, label %partial
partial:
  call void @mend(ptr %given)
  br label %done
done:
  ret void
}

define internal void @tiles(ptr %p, i64 %first, i64 %last) {
entry:
$FIELDS
$SCALARS
  %down = call i64 @parts(i64 %m, i64 %rows)
  %across = call i64 @parts(i64 %n, i64 %columns)
  %each = mul i64 %down, %across
  %ta = icmp ne i64 %transpose_a, 0
  %tb = icmp ne i64 %transpose_b, 0
  %oa = select i1 %ta, i32 112, i32 111
  %ob = select i1 %tb, i32 112, i32 111
  %step.a = select i1 %ta, i64 1, i64 %lda
  %step.b = select i1 %tb, i64 %ldb, i64 1
  %term.a = select i1 %ta, i64 %lda, i64 1
  %term.b = select i1 %tb, i64 1, i64 %ldb
  %once = fcmp oeq double %alpha, 1.0
  %anew = fcmp oeq double %beta, 0.0
  %plain = and i1 %once, %anew
  %k.i = trunc i64 %k to i32
  %lda.i = trunc i64 %lda to i32
  %ldb.i = trunc i64 %ldb to i32
  %ldc.i = trunc i64 %ldc to i32
  br label %tile
tile:
  %index = phi i64 [ %first, %entry ], [ %next, %tiled ]
  %matrix = udiv i64 %index, %each
  %within = urem i64 %index, %each
  %i = urem i64 %within, %down
  %j = udiv i64 %within, %down
  %row = mul i64 %i, %rows
  %column = mul i64 %j, %columns
  %rows.left = sub i64 %m, %row
  %columns.left = sub i64 %n, %column
  %height = call i64 @llvm.smin.i64(i64 %rows, i64 %rows.left)
  %width = call i64 @llvm.smin.i64(i64 %columns, i64 %columns.left)
  %a.matrix = mul i64 %matrix, %stride_a
  %a.row = mul i64 %row, %step.a
  %a.offset = add i64 %a.matrix, %a.row
  %a.tile = getelementptr $REAL, ptr %a, i64 %a.offset
  %b.matrix = mul i64 %matrix, %stride_b
  %b.column = mul i64 %column, %step.b
  %b.offset = add i64 %b.matrix, %b.column
  %b.tile = getelementptr $REAL, ptr %b, i64 %b.offset
  %c.matrix = mul i64 %matrix, %stride_c
  %c.row = mul i64 %row, %ldc
  %c.start = add i64 %c.matrix, %c.row
  %c.offset = add i64 %c.start, %column
  %c.tile = getelementptr $REAL, ptr %c, i64 %c.offset
  %area = mul i64 %height, %width
  %terms = mul i64 %area, %k
  %few = icmp sle i64 %terms, $SMALL
  %low = icmp sle i64 %height, $LOW
  %little = or i1 %few, %low
  %own = and i1 %little, %plain
  br i1 %own, label %inline, label %not.little
inline:
  call void @small(i64 %height, i64 %width, i64 %k, ptr %a.tile, i64 %step.a, i64 %term.a, ptr %b.tile, i64 %term.b,
                   i64 %step.b, ptr %c.tile, i64 %ldc)
  br label %tiled
not.little:
  %large = and i1 %plain, $OWN
  br i1 %large, label %joined, label %library
joined:
  %below = sub i64 %down, %i
  %mine = sub i64 %last, %index
  %joins = call i64 @llvm.smin.i64(i64 %below, i64 %mine)
  %joins.rows = mul i64 %joins, %rows
  %high = call i64 @llvm.smin.i64(i64 %joins.rows, i64 %rows.left)
  call void @large(i64 %high, i64 %width, i64 %k, ptr %a.tile, i64 %step.a, i64 %term.a, ptr %b.tile, i64 %term.b,
                   i64 %step.b, ptr %c.tile, i64 %ldc)
  br label %tiled
library:
  %height.i = trunc i64 %height to i32
  %width.i = trunc i64 %width to i32
  call void @blas(i32 101, i32 %oa, i32 %ob, i32 %height.i, i32 %width.i, i32 %k.i, $REAL %alpha.r, ptr %a.tile,
                  i32 %lda.i, ptr %b.tile, i32 %ldb.i, $REAL %beta.r, ptr %c.tile, i32 %ldc.i)
  br label %tiled
tiled:
  %taken = phi i64 [ 1, %inline ], [ %joins, %joined ], [ 1, %library ]
  %next = add i64 %index, %taken
  %more = icmp slt i64 %next, %last
  br i1 %more, label %tile, label %done
done:
  ret void
}
"""
