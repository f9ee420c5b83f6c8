"""Generated code of small matrix products: sums in registers, a tile of the result at a time.

    small    c[i][j] ← Σ_e a[i][e] b[e][j],    i < m, j < n, e < k

A tile is up to `rows_of` rows by two vectors of c. Terms go DEPTH at a time, each a chain of fused multiplications and
additions from zero; their sums are added in order. So the bits depend on k alone: not on the length of a vector, on how
the operands are stored, or on the tile that an element lies in. The library packs all operands first, which takes
longer than such a product: 64×32 by 32×64 in float32 6.3 µs with it (PyTorch's MKL 5.2), 3.5 here (Zen 3).

Columns of b that do not lie together, the last ones, and rows that lie a multiple of a kilobyte apart (one set of the
cache holds them all) are copied to the stack first.
"""

from collections.abc import Iterator, Sequence
from string import Template

from tenure.runtime import strips

__all__ = ["source"]

DEPTH, PANELS = 384, 4
BLOCK, MOST = 96, 6144
"""Rows of a large product, and bytes of its columns, that are gone through at once: 2 MB of b beside 150 kB of a."""


def rows_of(size: int, count: int) -> int:
    """Rows of a tile. AVX-512 has 32 registers, AVX2 16; a panel of its longer vectors does not stay in the first
    level, so more rows have to use what comes from the second: 6 rows 165 GFLOP/s, 12 rows 200, of about 210."""
    return 12 if size * count == 64 else 6


def source(real: str, size: int, count: int) -> str:
    """``void small(m, n, k, a, from row to row of a, from term to term, b, from term to term of b, from column to
    column, c, from row to row of c)``, of numbers of `size` bytes in vectors of `count`."""
    most = rows_of(size, count)
    tiles = [(rows, vectors) for rows in range(1, most + 1) for vectors in (1, 2)]
    lanes, width = ", ".join(f"i32 {k}" for k in range(count)), 2 * count
    names: dict[str, object] = {"REAL": real, "COUNT": count, "WIDTH": width, "BITS": 8 * size, "ALIGN": size}
    names |= {"VECTOR": f"<{count} x {real}>", "LANES": f"<{count} x i32>", "MASK": f"<{count} x i1>"}
    names |= {"NUMBERS": f"<{lanes}>", "VECTORS": -count, "BYTES": width * size, "LAST": 1024 // size - 1}
    names |= {"ROWS": most, "DEPTH": DEPTH, "PANELS": PANELS, "PANEL": DEPTH * width, "GROUP": PANELS * width}
    names["CASES"] = "\n".join(f"    i64 {2 * r + v - 2}, label %tile.{r}.{v}" for r, v in tiles)
    names["CALLS"] = "\n".join(
        f"tile.{r}.{v}:\n  call void @tile{r}x{v}(i64 %some, ptr %a.tile, i64 %tile.across, i64 %tile.down, "
        f"ptr %b.from, i64 %b.step, ptr %c.tile, i64 %pitch, i1 %adds, i64 %width)\n  br label %tiled"
        for r, v in tiles
    )
    names["TURNED"] = "\n".join(_turned(real, size, count))
    tile = "\n".join(_kernel(real, count, r, v) for r, v in tiles)
    return Template(_MODULE).substitute(names) + strips.source(real, size, most, DEPTH) + tile


def _kernel(real: str, count: int, rows: int, vectors: int) -> str:
    """The tile of so many rows by so many vectors."""
    t = f"<{count} x {real}>"
    spots = [(i, j) for i in range(rows) for j in range(vectors)]
    wide = f"v{count}f{32 if real == 'float' else 64}"
    head = "i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, ptr %c, i64 %pitch, i1 %adds, i64 %width"
    lines = [f"define internal void @tile{rows}x{vectors}({head}) {{", "entry:"]
    lines += [*_starts("a", real, "across", rows), *_starts("c", real, "pitch", rows)]
    for i in range(rows):
        lines.append(f"  call void @llvm.prefetch.p0(ptr %c{i}, i32 1, i32 3, i32 1)")
        lines.append(f"  %cl{i} = getelementptr {real}, ptr %c{i}, i64 {vectors * count - 1}")
        lines.append(f"  call void @llvm.prefetch.p0(ptr %cl{i}, i32 1, i32 3, i32 1)")
    lines += ["  %some = icmp sgt i64 %k, 0", "  br i1 %some, label %term, label %end", "term:"]
    for of in ("e", "ao", "bo"):
        lines.append(f"  %{of} = phi i64 [ 0, %entry ], [ %{of}.next, %term ]")
    lines += [f"  %s{i}.{j} = phi {t} [ zeroinitializer, %entry ], [ %f{i}.{j}, %term ]" for i, j in spots]
    lines.append(f"  %bp = getelementptr {real}, ptr %b, i64 %bo")
    for j in range(vectors):
        lines.append(f"  %b{j}.p = getelementptr {t}, ptr %bp, i64 {j}")
        lines.append(f"  %b{j} = load {t}, ptr %b{j}.p, align {4 if real == 'float' else 8}")
    for i in range(rows):
        lines.append(f"  %x{i}.p = getelementptr {real}, ptr %a{i}, i64 %ao")
        lines.append(f"  %x{i} = load {real}, ptr %x{i}.p")
        lines.append(f"  %y{i} = insertelement {t} poison, {real} %x{i}, i32 0")
        lines.append(f"  %z{i} = shufflevector {t} %y{i}, {t} poison, <{count} x i32> zeroinitializer")
        for j in range(vectors):
            lines.append(f"  %f{i}.{j} = call {t} @llvm.fma.{wide}({t} %z{i}, {t} %b{j}, {t} %s{i}.{j})")
    lines += ["  %e.next = add i64 %e, 1", "  %ao.next = add i64 %ao, %down", "  %bo.next = add i64 %bo, %step"]
    lines += ["  %more = icmp slt i64 %e.next, %k", "  br i1 %more, label %term, label %end", "end:"]
    lines += [f"  %r{i}.{j} = phi {t} [ zeroinitializer, %entry ], [ %f{i}.{j}, %term ]" for i, j in spots]
    lines += [*_stored(t, count, spots, vectors, real), "}"]
    return "\n".join(lines)


def _starts(name: str, real: str, pitch: str, rows: int) -> Iterator[str]:
    """Instructions that find the rows of a matrix."""
    for i in range(rows):
        yield f"  %{name}{i}.o = mul i64 %{pitch}, {i}"
        yield f"  %{name}{i} = getelementptr {real}, ptr %{name}, i64 %{name}{i}.o"


def _stored(t: str, count: int, spots: Sequence[tuple[int, int]], vectors: int, real: str) -> Iterator[str]:
    """Instructions that store sums, or add them to what is there: whole vectors, or some lanes of the last."""
    size = 4 if real == "float" else 8
    for i, j in spots:
        yield f"  %c{i}.{j} = getelementptr {t}, ptr %c{i}, i64 {j}"
    yield f"  %all = icmp eq i64 %width, {vectors * count}"
    yield "  br i1 %all, label %whole, label %partial\nwhole:\n  br i1 %adds, label %whole.more, label %whole.first"
    yield "whole.more:"
    for i, j in spots:
        yield f"  %h{i}.{j} = load {t}, ptr %c{i}.{j}, align {size}"
        yield f"  %g{i}.{j} = fadd {t} %h{i}.{j}, %r{i}.{j}"
        yield f"  store {t} %g{i}.{j}, ptr %c{i}.{j}, align {size}"
    yield "  ret void\nwhole.first:"
    for i, j in spots:
        yield f"  store {t} %r{i}.{j}, ptr %c{i}.{j}, align {size}"
    yield "  ret void\npartial:"
    mask = f"<{count} x i1>"
    for j in range(vectors):
        yield f"  %m{j} = call {mask} @within(i64 %width, i32 {j * count})"
    for i, j in spots:
        place = f"ptr %c{i}.{j}, i32 {size}, {mask} %m{j}"
        yield f"  %o{i}.{j} = call {t} @llvm.masked.load({place}, {t} zeroinitializer)"
        yield f"  %n{i}.{j} = fadd {t} %o{i}.{j}, %r{i}.{j}"
        yield f"  %q{i}.{j} = select i1 %adds, {t} %n{i}.{j}, {t} %r{i}.{j}"
        yield f"  call void @llvm.masked.store({t} %q{i}.{j}, {place})"
    yield "  ret void"


def _turned(real: str, size: int, count: int) -> Iterator[str]:
    """Instructions that put as many terms of two vectors of columns, each in a row of its own, into lines."""
    t = f"<{count} x {real}>"
    for half in (0, 1):
        for i in range(count):
            name = f"%u{half}.{i}"
            yield f"  {name}.o = mul i64 %beside, {half * count + i}\n  {name}.k = add i64 {name}.o, %t"
            yield f"  {name}.p = getelementptr {real}, ptr %b, i64 {name}.k"
            yield f"  {name} = load {t}, ptr {name}.p, align {size}"
            yield f"  {name}.a = getelementptr {real}, ptr {name}.p, i64 %ahead"
            yield f"  call void @llvm.prefetch.p0(ptr {name}.a, i32 0, i32 3, i32 1)"
        rows, apart = [f"%u{half}.{i}" for i in range(count)], 1
        while apart < count:
            for i in [i for i in range(count) if not i & apart]:
                x, y = rows[i], rows[i + apart]
                low = [j if not j & apart else count + j - apart for j in range(count)]
                high = [j + apart if not j & apart else count + j for j in range(count)]
                for at, picked in ((i, low), (i + apart, high)):
                    rows[at] = f"%w{half}.{apart}.{at}"
                    lanes = ", ".join(f"i32 {j}" for j in picked)
                    yield f"  {rows[at]} = shufflevector {t} {x}, {t} {y}, <{count} x i32> <{lanes}>"
            apart *= 2
        for i in range(count):
            name = f"%v{half}.{i}"
            yield f"  {name}.e = add i64 %t, {i}\n  {name}.l = mul i64 {name}.e, {2 * count}"
            yield f"  {name}.o = add i64 {name}.l, {half * count}"
            yield f"  {name}.p = getelementptr {real}, ptr %room, i64 {name}.o"
            yield f"  store {t} {rows[i]}, ptr {name}.p, align {size}"


_MODULE = """
declare $VECTOR @llvm.fma.v${COUNT}f$BITS($VECTOR, $VECTOR, $VECTOR)
declare $VECTOR @llvm.masked.load(ptr, i32, $MASK, $VECTOR)
declare void @llvm.masked.store($VECTOR, ptr, i32, $MASK)

; the lanes that are less than a width, counted from a number on
define internal $MASK @within(i64 %width, i32 %first) alwaysinline {
  %narrow = trunc i64 %width to i32
  %left = sub i32 %narrow, %first
  %one = insertelement $LANES poison, i32 %left, i32 0
  %all = shufflevector $LANES %one, $LANES poison, $LANES zeroinitializer
  %yes = icmp slt $LANES $NUMBERS, %all
  ret $MASK %yes
}

define internal void @copied(i64 %k, ptr %b, i64 %step, i64 %beside, i64 %width, ptr %room) {
entry:
  %full = icmp eq i64 %width, $WIDTH
  %beside.step = icmp eq i64 %step, 1
  %turns = and i1 %beside.step, %full
  %whole = select i1 %turns, i64 $VECTORS, i64 0
  %blocks = and i64 %k, %whole
  %any = icmp sgt i64 %blocks, 0
  %ahead = mul i64 %beside, $WIDTH
  br i1 %any, label %turn, label %rest
turn:
  %t = phi i64 [ 0, %entry ], [ %t.next, %turn ]
$TURNED
  %t.next = add i64 %t, $COUNT
  %t.more = icmp slt i64 %t.next, %blocks
  br i1 %t.more, label %turn, label %rest
rest:
  %left = icmp slt i64 %blocks, %k
  br i1 %left, label %term, label %done
term:
  %e = phi i64 [ %blocks, %rest ], [ %e.next, %termed ]
  %from.o = mul i64 %e, %step
  %from = getelementptr $REAL, ptr %b, i64 %from.o
  %to.o = mul i64 %e, $WIDTH
  %to = getelementptr $REAL, ptr %room, i64 %to.o
  br label %lane
lane:
  %j = phi i64 [ 0, %term ], [ %j.next, %lane ]
  %j.o = mul i64 %j, %beside
  %p = getelementptr $REAL, ptr %from, i64 %j.o
  %x = load $REAL, ptr %p
  %q = getelementptr $REAL, ptr %to, i64 %j
  store $REAL %x, ptr %q
  %j.next = add i64 %j, 1
  %j.more = icmp slt i64 %j.next, %width
  br i1 %j.more, label %lane, label %termed
termed:
  %e.next = add i64 %e, 1
  %e.more = icmp slt i64 %e.next, %k
  br i1 %e.more, label %term, label %done
done:
  ret void
}

; whole lines of panels beside one another
define internal void @lines(i64 %k, ptr %b, i64 %step, i64 %panels, ptr %room) {
entry:
  br label %term
term:
  %e = phi i64 [ 0, %entry ], [ %e.next, %termed ]
  %from.o = mul i64 %e, %step
  %from = getelementptr $REAL, ptr %b, i64 %from.o
  %to.o = mul i64 %e, $WIDTH
  %to = getelementptr $REAL, ptr %room, i64 %to.o
  br label %panel
panel:
  %p = phi i64 [ 0, %term ], [ %p.next, %panel ]
  %p.from.o = mul i64 %p, $WIDTH
  %p.from = getelementptr $REAL, ptr %from, i64 %p.from.o
  %p.to.o = mul i64 %p, $PANEL
  %p.to = getelementptr $REAL, ptr %to, i64 %p.to.o
  %x = load <$WIDTH x $REAL>, ptr %p.from, align $ALIGN
  store <$WIDTH x $REAL> %x, ptr %p.to, align $ALIGN
  %ahead = getelementptr $REAL, ptr %p.from, i64 $GROUP
  call void @llvm.prefetch.p0(ptr %ahead, i32 0, i32 3, i32 1)
  %p.next = add i64 %p, 1
  %p.more = icmp slt i64 %p.next, %panels
  br i1 %p.more, label %panel, label %termed
termed:
  %e.next = add i64 %e, 1
  %e.more = icmp slt i64 %e.next, %k
  br i1 %e.more, label %term, label %done
done:
  ret void
}

; blocks of rows by panels of columns; ``group`` columns of b are in the room at once, all of them if it ``packs``, and
; behind them strips of a if its terms lie apart
define internal void @blocks(i64 %m, i64 %n, i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, i64 %beside,
                             ptr %c, i64 %pitch, ptr %room, i64 %group, i64 %block, i1 %packs) {
entry:
  %crowd.bits = and i64 %step, $LAST
  %crowd.same = icmp eq i64 %crowd.bits, 0
  %crowd.many = icmp sgt i64 %m, $ROWS
  %crowd.some = and i1 %crowd.same, %crowd.many
  %crowded = or i1 %crowd.some, %packs
  %scattered = icmp ne i64 %beside, 1
  %strips.o = mul i64 %group, $DEPTH
  %strips = getelementptr $REAL, ptr %room, i64 %strips.o
  %apart = icmp ne i64 %down, 1
  %stripped = and i1 %apart, %packs
  %tile.pitch = select i1 %stripped, i64 $DEPTH, i64 %across
  %tile.across = select i1 %stripped, i64 1, i64 %across
  %tile.down = select i1 %stripped, i64 $ROWS, i64 %down
  br label %group.of
group.of:
  %g = phi i64 [ 0, %entry ], [ %g.next, %grouped ]
  %g.left = sub i64 %n, %g
  %wide = call i64 @llvm.smin.i64(i64 %g.left, i64 %group)
  %whole = udiv i64 %wide, $WIDTH
  %b.o = mul i64 %g, %beside
  %b.group = getelementptr $REAL, ptr %b, i64 %b.o
  %some.lines = icmp sgt i64 %whole, 0
  %in.order = xor i1 %scattered, true
  %lined = and i1 %some.lines, %in.order
  %lines = and i1 %lined, %crowded
  br label %depth
depth:
  %e = phi i64 [ 0, %group.of ], [ %e.next, %depthed ]
  %e.left = sub i64 %k, %e
  %some = call i64 @llvm.smin.i64(i64 %e.left, i64 $DEPTH)
  %adds = icmp sgt i64 %e, 0
  %b.e = mul i64 %e, %step
  %b.here = getelementptr $REAL, ptr %b.group, i64 %b.e
  %a.e = mul i64 %e, %down
  %a.depth = getelementptr $REAL, ptr %a, i64 %a.e
  br i1 %lines, label %aside, label %rows
aside:
  call void @lines(i64 %some, ptr %b.here, i64 %step, i64 %whole, ptr %room)
  br label %rows
rows:
  %r = phi i64 [ 0, %depth ], [ 0, %aside ], [ %r.next, %rowed ]
  %r.left = sub i64 %m, %r
  %high = call i64 @llvm.smin.i64(i64 %r.left, i64 %block)
  %first = icmp eq i64 %r, 0
  %a.r = mul i64 %r, %across
  %a.rows = getelementptr $REAL, ptr %a.depth, i64 %a.r
  br i1 %stripped, label %strip, label %panels
strip:
  call void @strips(i64 %high, i64 %some, ptr %a.rows, i64 %across, i64 %down, ptr %strips)
  br label %panels
panels:
  %a.here = select i1 %stripped, ptr %strips, ptr %a.rows
  %c.r = mul i64 %r, %pitch
  %c.rows = getelementptr $REAL, ptr %c, i64 %c.r
  br label %column
column:
  %p = phi i64 [ 0, %panels ], [ %p.next, %columned ]
  %j = mul i64 %p, $WIDTH
  %j.left = sub i64 %wide, %j
  %width = call i64 @llvm.smin.i64(i64 %j.left, i64 $WIDTH)
  %narrow = icmp slt i64 %width, $WIDTH
  %copy = or i1 %scattered, %narrow
  %two = icmp sgt i64 %width, $COUNT
  %vectors = select i1 %two, i64 2, i64 1
  %b.p.o = mul i64 %j, %beside
  %b.p = getelementptr $REAL, ptr %b.here, i64 %b.p.o
  %room.o = mul i64 %p, $PANEL
  %room.p = getelementptr $REAL, ptr %room, i64 %room.o
  %there = or i1 %copy, %lines
  %b.from = select i1 %there, ptr %room.p, ptr %b.p
  %b.step = select i1 %there, i64 $WIDTH, i64 %step
  %c.j = add i64 %g, %j
  %c.column = getelementptr $REAL, ptr %c.rows, i64 %c.j
  %copies.now = and i1 %copy, %first
  br i1 %copies.now, label %copies, label %row
copies:
  br i1 %narrow, label %zeros, label %moves
zeros:
  %bytes = mul i64 %some, $BYTES
  call void @llvm.memset.p0.i64(ptr align $ALIGN %room.p, i8 0, i64 %bytes, i1 false)
  br label %moves
moves:
  call void @copied(i64 %some, ptr %b.p, i64 %step, i64 %beside, i64 %width, ptr %room.p)
  br label %row
row:
  %i = phi i64 [ 0, %column ], [ 0, %moves ], [ %i.next, %tiled ]
  %i.left = sub i64 %high, %i
  %height = call i64 @llvm.smin.i64(i64 %i.left, i64 $ROWS)
  %a.o = mul i64 %i, %tile.pitch
  %a.tile = getelementptr $REAL, ptr %a.here, i64 %a.o
  %c.o = mul i64 %i, %pitch
  %c.tile = getelementptr $REAL, ptr %c.column, i64 %c.o
  %twice = shl i64 %height, 1
  %twice.less = sub i64 %twice, 2
  %which = add i64 %twice.less, %vectors
  switch i64 %which, label %tiled [
$CASES
  ]
$CALLS
tiled:
  %i.next = add i64 %i, $ROWS
  %i.more = icmp slt i64 %i.next, %high
  br i1 %i.more, label %row, label %columned
columned:
  %p.next = add i64 %p, 1
  %p.at = mul i64 %p.next, $WIDTH
  %p.more = icmp slt i64 %p.at, %wide
  br i1 %p.more, label %column, label %rowed
rowed:
  %r.next = add i64 %r, %block
  %r.more = icmp slt i64 %r.next, %m
  br i1 %r.more, label %rows, label %depthed
depthed:
  %e.next = add i64 %e, $DEPTH
  %e.more = icmp slt i64 %e.next, %k
  br i1 %e.more, label %depth, label %grouped
grouped:
  %g.next = add i64 %g, %group
  %g.more = icmp slt i64 %g.next, %n
  br i1 %g.more, label %group.of, label %done
done:
  ret void
}

define internal void @small(i64 %m, i64 %n, i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, i64 %beside,
                            ptr %c, i64 %pitch) {
  %room = alloca [$PANELS x [$PANEL x $REAL]], align 64
  call void @blocks(i64 %m, i64 %n, i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, i64 %beside,
                    ptr %c, i64 %pitch, ptr %room, i64 $GROUP, i64 %m, i1 false)
  ret void
}
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""
