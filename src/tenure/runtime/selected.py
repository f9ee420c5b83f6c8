"""Generated correction of a matrix product of cotangents: terms that are not selected do not count.

An element −0.0 of a marked operand is not selected (``ops.selection``), and its term is left out whatever the other
factor is. BLAS multiplies all the same, which is wrong beside an infinity or NaN alone. Each of those makes a whole row
or column of the result infinite or NaN, so the first column and row of it show whether there is any. Only then are
such elements summed anew. A row or column of nothing selected becomes −0.0 where that is asked for: its zeros show it.
"""

from string import Template

__all__ = ["source"]


def source(real: str, word: str, infinity: str, fields: str) -> str:
    """``void mend(const Product *)`` for a float type, the integer of its size and the bits of ∞; ``fields`` reads the
    Product ``%p``."""
    greatest = str(2 ** (int(word[1:]) - 1) - 1)
    return Template(_MODULE).substitute(REAL=real, WORD=word, INFINITY=infinity, GREATEST=greatest, FIELDS=fields)


_MODULE = """
define internal i1 @finite($REAL %x) alwaysinline {
  %bits = bitcast $REAL %x to $WORD
  %size = and $WORD %bits, $GREATEST
  %yes = icmp ult $WORD %size, $INFINITY
  ret i1 %yes
}

define internal i1 @none($REAL %x) alwaysinline {
  %bits = bitcast $REAL %x to $WORD
  %sign = bitcast $REAL -0.0 to $WORD
  %yes = icmp eq $WORD %bits, %sign
  ret i1 %yes
}

; 1 if an element is infinite or NaN, 2 if one is zero
define internal i64 @probe(ptr %start, i64 %count, i64 %step) {
entry:
  br label %each
each:
  %i = phi i64 [ 0, %entry ], [ %next, %each ]
  %found = phi i64 [ 0, %entry ], [ %more, %each ]
  %at = mul i64 %i, %step
  %place = getelementptr $REAL, ptr %start, i64 %at
  %x = load $REAL, ptr %place
  %fine = call i1 @finite($REAL %x)
  %zero = fcmp oeq $REAL %x, 0.0
  %two = select i1 %zero, i64 2, i64 0
  %bit = select i1 %fine, i64 %two, i64 1
  %more = or i64 %found, %bit
  %next = add i64 %i, 1
  %on = icmp slt i64 %next, %count
  br i1 %on, label %each, label %done
done:
  ret i64 %more
}

; whether no element is selected
define internal i1 @empty(ptr %start, i64 %count, i64 %step) {
entry:
  br label %each
each:
  %i = phi i64 [ 0, %entry ], [ %next, %more ]
  %at = mul i64 %i, %step
  %place = getelementptr $REAL, ptr %start, i64 %at
  %x = load $REAL, ptr %place
  %skip = call i1 @none($REAL %x)
  br i1 %skip, label %more, label %done
more:
  %next = add i64 %i, 1
  %on = icmp slt i64 %next, %count
  br i1 %on, label %each, label %done
done:
  ret i1 %skip
}

; the sum of the selected terms; -0.0 if there are none and that is asked for
define internal $REAL @total(ptr %x, i64 %x.step, ptr %y, i64 %y.step, i64 %count, i64 %selects, i64 %marks) {
entry:
  %left.bit = and i64 %selects, 1
  %left = icmp ne i64 %left.bit, 0
  %right.bit = and i64 %selects, 2
  %right = icmp ne i64 %right.bit, 0
  br label %each
each:
  %i = phi i64 [ 0, %entry ], [ %next, %each ]
  %sum = phi $REAL [ 0.0, %entry ], [ %total, %each ]
  %any = phi i1 [ 0, %entry ], [ %some, %each ]
  %x.at = mul i64 %i, %x.step
  %x.place = getelementptr $REAL, ptr %x, i64 %x.at
  %u = load $REAL, ptr %x.place
  %y.at = mul i64 %i, %y.step
  %y.place = getelementptr $REAL, ptr %y, i64 %y.at
  %v = load $REAL, ptr %y.place
  %u.none = call i1 @none($REAL %u)
  %v.none = call i1 @none($REAL %v)
  %u.skip = and i1 %u.none, %left
  %v.skip = and i1 %v.none, %right
  %skip = or i1 %u.skip, %v.skip
  %term = fmul $REAL %u, %v
  %with = fadd $REAL %sum, %term
  %total = select i1 %skip, $REAL %sum, $REAL %with
  %one = xor i1 %skip, 1
  %some = or i1 %any, %one
  %next = add i64 %i, 1
  %on = icmp slt i64 %next, %count
  br i1 %on, label %each, label %done
done:
  %marked = icmp ne i64 %marks, 0
  %empty = xor i1 %some, 1
  %blank = and i1 %marked, %empty
  %result = select i1 %blank, $REAL -0.0, $REAL %total
  ret $REAL %result
}

; lines of the result whose line of the operand is empty become -0.0; only those that begin with a zero are looked at,
; or all of them
define internal void @blank(ptr %c, i64 %lines, i64 %down, i64 %length, i64 %across, ptr %g, i64 %g.down, i64 %k,
                            i64 %g.across, i1 %all) {
entry:
  br label %line
line:
  %i = phi i64 [ 0, %entry ], [ %next, %after ]
  %c.at = mul i64 %i, %down
  %c.line = getelementptr $REAL, ptr %c, i64 %c.at
  %first = load $REAL, ptr %c.line
  %zero = fcmp oeq $REAL %first, 0.0
  %look = or i1 %zero, %all
  br i1 %look, label %test, label %after
test:
  %g.at = mul i64 %i, %g.down
  %g.line = getelementptr $REAL, ptr %g, i64 %g.at
  %empty = call i1 @empty(ptr %g.line, i64 %k, i64 %g.across)
  br i1 %empty, label %fill, label %after
fill:
  %j = phi i64 [ 0, %test ], [ %j.next, %fill ]
  %at = mul i64 %j, %across
  %place = getelementptr $REAL, ptr %c.line, i64 %at
  store $REAL -0.0, ptr %place
  %j.next = add i64 %j, 1
  %j.on = icmp slt i64 %j.next, %length
  br i1 %j.on, label %fill, label %after
after:
  %next = add i64 %i, 1
  %on = icmp slt i64 %next, %lines
  br i1 %on, label %line, label %done
done:
  ret void
}

define internal void @mend(ptr %p) {
entry:
$FIELDS
  %ta = icmp ne i64 %transpose_a, 0
  %tb = icmp ne i64 %transpose_b, 0
  %a.down = select i1 %ta, i64 1, i64 %lda
  %a.across = select i1 %ta, i64 %lda, i64 1
  %b.down = select i1 %tb, i64 1, i64 %ldb
  %b.across = select i1 %tb, i64 %ldb, i64 1
  %left.bit = and i64 %selects, 1
  %left = icmp ne i64 %left.bit, 0
  %right.bit = and i64 %selects, 2
  %right = icmp ne i64 %right.bit, 0
  %marked = icmp ne i64 %marks, 0
  %mn = mul i64 %m, %n
  %mnk = mul i64 %mn, %k
  %all = mul i64 %mnk, %batch
  %some = icmp ne i64 %all, 0
  br i1 %some, label %matrix, label %done
matrix:
  %index = phi i64 [ 0, %entry ], [ %index.next, %after ]
  %a.offset = mul i64 %index, %stride_a
  %b.offset = mul i64 %index, %stride_b
  %c.offset = mul i64 %index, %stride_c
  %a.start = getelementptr $REAL, ptr %a, i64 %a.offset
  %b.start = getelementptr $REAL, ptr %b, i64 %b.offset
  %c.start = getelementptr $REAL, ptr %c, i64 %c.offset
  %in.column = call i64 @probe(ptr %c.start, i64 %m, i64 %ldc)
  %in.row = call i64 @probe(ptr %c.start, i64 %n, i64 1)
  %in.row.bad = trunc i64 %in.row to i1
  %in.column.bad = trunc i64 %in.column to i1
  %bad.left = and i1 %left, %in.row.bad
  %bad.right = and i1 %right, %in.column.bad
  %bad = or i1 %bad.left, %bad.right
  br i1 %bad, label %row, label %lines
row:
  %i = phi i64 [ 0, %matrix ], [ %i.next, %row.done ]
  %a.at = mul i64 %i, %a.down
  %a.row = getelementptr $REAL, ptr %a.start, i64 %a.at
  %c.at = mul i64 %i, %ldc
  %c.row = getelementptr $REAL, ptr %c.start, i64 %c.at
  br label %element
element:
  %j = phi i64 [ 0, %row ], [ %j.next, %element.done ]
  %place = getelementptr $REAL, ptr %c.row, i64 %j
  %x = load $REAL, ptr %place
  %fine = call i1 @finite($REAL %x)
  br i1 %fine, label %element.done, label %again
again:
  %b.at = mul i64 %j, %b.across
  %b.column = getelementptr $REAL, ptr %b.start, i64 %b.at
  %sum = call $REAL @total(ptr %a.row, i64 %a.across, ptr %b.column, i64 %b.down, i64 %k, i64 %selects, i64 %marks)
  store $REAL %sum, ptr %place
  br label %element.done
element.done:
  %j.next = add i64 %j, 1
  %j.on = icmp slt i64 %j.next, %n
  br i1 %j.on, label %element, label %row.done
row.done:
  %i.next = add i64 %i, 1
  %i.on = icmp slt i64 %i.next, %m
  br i1 %i.on, label %row, label %lines
lines:
  %column.zero = icmp uge i64 %in.column, 2
  %rows.seen = or i1 %bad, %column.zero
  %rows.wanted = and i1 %left, %marked
  %rows.look = and i1 %rows.seen, %rows.wanted
  br i1 %rows.look, label %lines.blank, label %across
lines.blank:
  call void @blank(ptr %c.start, i64 %m, i64 %ldc, i64 %n, i64 1, ptr %a.start, i64 %a.down, i64 %k, i64 %a.across,
                   i1 %bad)
  br label %across
across:
  %row.zero = icmp uge i64 %in.row, 2
  %columns.seen = or i1 %bad, %row.zero
  %columns.wanted = and i1 %right, %marked
  %columns.look = and i1 %columns.seen, %columns.wanted
  br i1 %columns.look, label %columns.blank, label %after
columns.blank:
  call void @blank(ptr %c.start, i64 %n, i64 1, i64 %m, i64 %ldc, ptr %b.start, i64 %b.across, i64 %k, i64 %b.down,
                   i1 %bad)
  br label %after
after:
  %index.next = add i64 %index, 1
  %index.on = icmp slt i64 %index.next, %batch
  br i1 %index.on, label %matrix, label %done
done:
  ret void
}
"""
