"""Tasks and loops of native code, for the tests of the threads."""

import ctypes

from tenure.runtime import native

_SOURCE = """
; context[i] += 1 for each item
define void @count(ptr %context, i64 %first, i64 %last) {
entry:
  br label %item
item:
  %i = phi i64 [ %first, %entry ], [ %next, %item ]
  %slot = getelementptr i64, ptr %context, i64 %i
  %old = load i64, ptr %slot
  %new = add i64 %old, 1
  store i64 %new, ptr %slot
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %last
  br i1 %more, label %item, label %done
done:
  ret void
}

; each item is a region of its own, of 16 items: context = { parallel, cells }
define void @nest(ptr %context, i64 %first, i64 %last) {
entry:
  %parallel = load ptr, ptr %context
  %cells.p = getelementptr i64, ptr %context, i64 1
  %cells = load ptr, ptr %cells.p
  br label %item
item:
  %i = phi i64 [ %first, %entry ], [ %next, %item ]
  %offset = mul i64 %i, 16
  %part = getelementptr i64, ptr %cells, i64 %offset
  call void %parallel(ptr @count, ptr %part, i64 16, i64 8)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %last
  br i1 %more, label %item, label %done
done:
  ret void
}

; one region after another
define void @repeat(ptr %parallel, ptr %task, ptr %context, i64 %items, i64 %pieces, i64 %times) {
entry:
  br label %region
region:
  %i = phi i64 [ 0, %entry ], [ %next, %region ]
  call void %parallel(ptr %task, ptr %context, i64 %items, i64 %pieces)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %region, label %done
done:
  ret void
}
"""

tasks = native.load(_SOURCE, exports=["count", "nest", "repeat"])
_P, _I = ctypes.c_void_p, ctypes.c_int64
repeat = ctypes.CFUNCTYPE(None, _P, _P, _P, _I, _I, _I)(tasks["repeat"])
