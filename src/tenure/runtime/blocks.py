"""Generated code of the buffers: a pool of blocks, and blocks that end at an inaccessible page.

Both have the four functions of NumPy's allocation protocol (NEP 49), so an array owns its block as any other array
does and returns it when its last reference goes. The pool keeps a list of free blocks per size class: multiples
of 64 bytes to 256, then four to each power of two. It keeps at most `@limit` bytes; a block beyond that empties the
pool first, so sizes that are no longer used go, and those in use fill it again.
"""

from string import Template

__all__ = ["EXPORTS", "GUARDED", "LIBC", "source"]

EXPORTS = ("allocate", "allocate_zeroed", "resize", "deallocate", "purge", "reset", "limit", "kept", "missed")
"""Exported symbols: the pool's functions, and three 64-bit variables: bytes kept at most, bytes kept, blocks from the
system."""

GUARDED = ("guard_allocate", "guard_allocate_zeroed", "guard_resize", "guard_deallocate")
"""Exported symbols of the blocks that end at a guard page."""

LIBC = (
    "aligned_alloc",
    "free",
    "malloc_usable_size",
    "madvise",
    "sched_yield",
    "mmap",
    "mprotect",
    "munmap",
    "memcpy",
    "memset",
)
"""Functions of the C library that the module calls."""


def source(*, page: int) -> str:
    """Source of the module; page: bytes of a page of memory."""
    return Template(_POOL + _GUARD).substitute(PAGE=page, LESS=page - 1)


_POOL = """
declare ptr @aligned_alloc(i64, i64)
declare void @free(ptr)
declare i64 @malloc_usable_size(ptr)
declare i32 @madvise(ptr, i64, i32)
declare i32 @sched_yield()
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @mprotect(ptr, i64, i32)
declare i32 @munmap(ptr, i64)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i64 @llvm.umin.i64(i64, i64)
declare { i64, i1 } @llvm.umul.with.overflow.i64(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

@free_blocks = internal global [256 x ptr] zeroinitializer   ; the first word of a free block is the next one
@locked = internal global i32 0
@limit = global i64 0
@kept = global i64 0
@missed = global i64 0

define internal void @lock() {
entry:
  br label %try
try:
  %pair = cmpxchg ptr @locked, i32 0, i32 1 acquire monotonic, align 4
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %done, label %wait
wait:
  %ignored = call i32 @sched_yield()
  br label %try
done:
  ret void
}

define internal void @unlock() alwaysinline {
  store atomic i32 0, ptr @locked release, align 4
  ret void
}

; The class of a size, and the bytes of its blocks.
define internal { i64, i64 } @class(i64 %size) alwaysinline {
entry:
  %small = icmp ule i64 %size, 256
  br i1 %small, label %linear, label %quarter
linear:
  %none = icmp eq i64 %size, 0
  %some = select i1 %none, i64 1, i64 %size
  %less = sub i64 %some, 1
  %index.0 = lshr i64 %less, 6
  %plus = add i64 %index.0, 1
  %bytes.0 = shl i64 %plus, 6
  br label %done
quarter:
  %last = sub i64 %size, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %last, i1 true)
  %power = sub i64 63, %zeros
  %shift = sub i64 %power, 2
  %digits = lshr i64 %last, %shift
  %up = add i64 %digits, 1
  %bytes.1 = shl i64 %up, %shift
  %octave = shl i64 %power, 2
  %within = and i64 %digits, 3
  %both = add i64 %octave, %within
  %index.1 = sub i64 %both, 28
  br label %done
done:
  %index = phi i64 [ %index.0, %linear ], [ %index.1, %quarter ]
  %bytes = phi i64 [ %bytes.0, %linear ], [ %bytes.1, %quarter ]
  %one = insertvalue { i64, i64 } poison, i64 %index, 0
  %pair = insertvalue { i64, i64 } %one, i64 %bytes, 1
  ret { i64, i64 } %pair
}

define ptr @allocate(ptr %unused, i64 %size) {
entry:
  %class = call { i64, i64 } @class(i64 %size)
  %index = extractvalue { i64, i64 } %class, 0
  %bytes = extractvalue { i64, i64 } %class, 1
  %list = getelementptr [256 x ptr], ptr @free_blocks, i64 0, i64 %index
  %huge = icmp ugt i64 %size, 70368744177664
  br i1 %huge, label %refuse, label %look
refuse:
  ret ptr null
look:
  call void @lock()
  %block = load ptr, ptr %list
  %empty = icmp eq ptr %block, null
  br i1 %empty, label %miss, label %hit
hit:
  %next = load ptr, ptr %block
  store ptr %next, ptr %list
  %kept = load i64, ptr @kept
  %less = sub i64 %kept, %bytes
  store i64 %less, ptr @kept
  call void @unlock()
  ret ptr %block
miss:
  %missed = load i64, ptr @missed
  %count = add i64 %missed, 1
  store i64 %count, ptr @missed
  call void @unlock()
  %new = call ptr @system(i64 %bytes)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %again, label %done
again:
  call void @purge()
  %second = call ptr @system(i64 %bytes)
  ret ptr %second
done:
  ret ptr %new
}

; Huge pages for what is large, as NumPy asks for them: 512 times fewer faults at the first touch.
define internal ptr @system(i64 %bytes) noinline {
entry:
  %block = call ptr @aligned_alloc(i64 64, i64 %bytes)
  %failed = icmp eq ptr %block, null
  %small = icmp ult i64 %bytes, 4194304
  %plain = or i1 %failed, %small
  br i1 %plain, label %done, label %advise
advise:
  %address = ptrtoint ptr %block to i64
  %past = add i64 %address, $LESS
  %aligned = and i64 %past, -$PAGE
  %skipped = sub i64 %aligned, %address
  %length = sub i64 %bytes, %skipped
  %start = inttoptr i64 %aligned to ptr
  %ignored = call i32 @madvise(ptr %start, i64 %length, i32 14)
  br label %done
done:
  ret ptr %block
}

define void @deallocate(ptr %unused, ptr %block, i64 %size) {
entry:
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %some
some:
  %class = call { i64, i64 } @class(i64 %size)
  %index = extractvalue { i64, i64 } %class, 0
  %bytes = extractvalue { i64, i64 } %class, 1
  %list = getelementptr [256 x ptr], ptr @free_blocks, i64 0, i64 %index
  call void @lock()
  %limit = load i64, ptr @limit
  %kept = load i64, ptr @kept
  %more = add i64 %kept, %bytes
  %over = icmp ugt i64 %more, %limit
  br i1 %over, label %full, label %keep
keep:
  %next = load ptr, ptr %list
  store ptr %next, ptr %block
  store ptr %block, ptr %list
  store i64 %more, ptr @kept
  call void @unlock()
  ret void
full:
  call void @unlock()
  %large = icmp ugt i64 %bytes, %limit
  br i1 %large, label %drop, label %clear
clear:
  call void @purge()
  br label %drop
drop:
  call void @free(ptr %block)
  br label %done
done:
  ret void
}

define void @purge() noinline {
entry:
  call void @lock()
  br label %list
list:
  %index = phi i64 [ 0, %entry ], [ %after, %emptied ]
  %head = getelementptr [256 x ptr], ptr @free_blocks, i64 0, i64 %index
  %first = load ptr, ptr %head
  store ptr null, ptr %head
  br label %look
look:
  %block = phi ptr [ %first, %list ], [ %next, %drop ]
  %end = icmp eq ptr %block, null
  br i1 %end, label %emptied, label %drop
drop:
  %next = load ptr, ptr %block
  call void @free(ptr %block)
  br label %look
emptied:
  %after = add i64 %index, 1
  %more = icmp ult i64 %after, 256
  br i1 %more, label %list, label %done
done:
  store i64 0, ptr @kept
  call void @unlock()
  ret void
}

; In the child of a fork. Where another thread was changing the lists they are forgotten, blocks and all.
define void @reset() {
entry:
  %held = load atomic i32, ptr @locked acquire, align 4
  %torn = icmp ne i32 %held, 0
  br i1 %torn, label %forget, label %done
forget:
  call void @llvm.memset.p0.i64(ptr @free_blocks, i8 0, i64 2048, i1 false)
  store i64 0, ptr @kept
  call void @unlock()
  br label %done
done:
  ret void
}

define ptr @allocate_zeroed(ptr %unused, i64 %count, i64 %each) {
entry:
  %product = call { i64, i1 } @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %size = extractvalue { i64, i1 } %product, 0
  %overflow = extractvalue { i64, i1 } %product, 1
  br i1 %overflow, label %refuse, label %allocate
allocate:
  %block = call ptr @allocate(ptr %unused, i64 %size)
  %failed = icmp eq ptr %block, null
  br i1 %failed, label %refuse, label %clear
clear:
  call void @llvm.memset.p0.i64(ptr %block, i8 0, i64 %size, i1 false)
  ret ptr %block
refuse:
  ret ptr null
}

; The protocol does not say how large the block is: the C library knows, and gets it back.
define ptr @resize(ptr %unused, ptr %block, i64 %size) {
entry:
  %new = call ptr @allocate(ptr %unused, i64 %size)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %refuse, label %copy
copy:
  %usable = call i64 @malloc_usable_size(ptr %block)
  %bytes = call i64 @llvm.umin.i64(i64 %usable, i64 %size)
  call void @llvm.memcpy.p0.p0.i64(ptr %new, ptr %block, i64 %bytes, i1 false)
  call void @free(ptr %block)
  ret ptr %new
refuse:
  ret ptr null
}
"""

_GUARD = """
; Filled with ones, NaN in every float: what reads a block before writing it shows.
define ptr @guard_allocate(ptr %unused, i64 %size) {
entry:
  %past = add i64 %size, $LESS
  %body = and i64 %past, -$PAGE
  %total = add i64 %body, $PAGE
  %start = call ptr @mmap(ptr null, i64 %total, i32 0, i32 34, i32 -1, i64 0)
  %failed = icmp eq ptr %start, inttoptr (i64 -1 to ptr)
  br i1 %failed, label %refuse, label %open
open:
  %opened = call i32 @mprotect(ptr %start, i64 %body, i32 3)
  call void @llvm.memset.p0.i64(ptr %start, i8 -1, i64 %body, i1 false)
  %slack = sub i64 %body, %size
  %block = getelementptr i8, ptr %start, i64 %slack
  ret ptr %block
refuse:
  ret ptr null
}

define ptr @guard_allocate_zeroed(ptr %unused, i64 %count, i64 %each) {
entry:
  %size = mul i64 %count, %each
  %block = call ptr @guard_allocate(ptr %unused, i64 %size)
  %failed = icmp eq ptr %block, null
  br i1 %failed, label %done, label %clear
clear:
  call void @llvm.memset.p0.i64(ptr %block, i8 0, i64 %size, i1 false)
  br label %done
done:
  ret ptr %block
}

define ptr @guard_resize(ptr %unused, ptr %block, i64 %size) {
  ret ptr null
}

define void @guard_deallocate(ptr %unused, ptr %block, i64 %size) {
entry:
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %unmap
unmap:
  %end = getelementptr i8, ptr %block, i64 %size
  %address = ptrtoint ptr %end to i64
  %rounded = add i64 %address, $LESS
  %guard = and i64 %rounded, -$PAGE
  %past = add i64 %size, $LESS
  %body = and i64 %past, -$PAGE
  %first = sub i64 %guard, %body
  %start = inttoptr i64 %first to ptr
  %total = add i64 %body, $PAGE
  %ignored = call i32 @munmap(ptr %start, i64 %total)
  br label %done
done:
  ret void
}
"""
