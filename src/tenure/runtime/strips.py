"""Generated code that copies rows of a matrix product's left operand, if the terms of a row lie apart, into strips.

A strip holds as many rows as a tile, the first term of each, then the second: a tile reads it from end to end.
"""

from string import Template

__all__ = ["source"]


def source(real: str, size: int, rows: int, depth: int) -> str:
    """``void strips(m, k, a, from row to row of a, from term to term, to)``, of numbers of `size` bytes: strips of
    `rows` rows, each of room for `depth` terms."""
    names = {"REAL": real, "SIZE": size, "ROWS": rows, "DEPTH": depth, "STRIP": f"<{rows} x {real}>"}
    return Template(_MODULE).substitute(names)


_MODULE = """
define internal void @strips(i64 %m, i64 %k, ptr %a, i64 %across, i64 %down, ptr %to) {
entry:
  %beside = icmp eq i64 %across, 1
  br label %strip
strip:
  %i = phi i64 [ 0, %entry ], [ %i.next, %stripped ]
  %left = sub i64 %m, %i
  %high = call i64 @llvm.smin.i64(i64 %left, i64 $ROWS)
  %full = icmp eq i64 %high, $ROWS
  %whole = and i1 %full, %beside
  %from.o = mul i64 %i, %across
  %from = getelementptr $REAL, ptr %a, i64 %from.o
  %to.o = mul i64 %i, $DEPTH
  %line = getelementptr $REAL, ptr %to, i64 %to.o
  br label %term
term:
  %e = phi i64 [ 0, %strip ], [ %e.next, %termed ]
  %p.o = mul i64 %e, %down
  %p = getelementptr $REAL, ptr %from, i64 %p.o
  %q.o = mul i64 %e, $ROWS
  %q = getelementptr $REAL, ptr %line, i64 %q.o
  br i1 %whole, label %all, label %row
all:
  %x = load $STRIP, ptr %p, align $SIZE
  store $STRIP %x, ptr %q, align $SIZE
  br label %termed
row:
  %r = phi i64 [ 0, %term ], [ %r.next, %row ]
  %r.o = mul i64 %r, %across
  %r.p = getelementptr $REAL, ptr %p, i64 %r.o
  %y = load $REAL, ptr %r.p
  %r.q = getelementptr $REAL, ptr %q, i64 %r
  store $REAL %y, ptr %r.q
  %r.next = add i64 %r, 1
  %r.more = icmp slt i64 %r.next, %high
  br i1 %r.more, label %row, label %termed
termed:
  %e.next = add i64 %e, 1
  %e.more = icmp slt i64 %e.next, %k
  br i1 %e.more, label %term, label %stripped
stripped:
  %i.next = add i64 %i, $ROWS
  %i.more = icmp slt i64 %i.next, %m
  br i1 %i.more, label %strip, label %done
done:
  ret void
}
"""
