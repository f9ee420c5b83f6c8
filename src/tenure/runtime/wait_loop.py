"""Generated code of the thread pool: fork and join of a region through one cache line.

`@gate` holds three numbers: bits 32–63 count regions (the epoch), bits 1–31 the workers inside, bit 0 says that
a region is open. The leader writes the job, opens the gate and advances the epoch in one instruction; a worker
that sees a new epoch steps inside by adding 2 and takes part if the gate was open. When nothing is left the leader
closes the gate and waits for those inside, so a worker that wakes too late is never waited for: others have done
its share.

Each thread has a lane, the same part of the items in every region of the same size, so the items stay in its
cache; blocks are claimed by adding to the lane's counter, and a thread that has emptied its lane helps in the next.

One thread at a time leads (`@busy`). A thread that finds it taken, a task inside a region included, runs its items
alone and looks again after each block: so nothing ever waits for the pool, and nothing can deadlock.
"""

from string import Template

from tenure.runtime import workers

__all__ = ["ALONE", "EXPORTS", "LIBC", "source"]

EXPORTS = ("parallel", "halt", "resume", "reset", "wanted", "workers")
"""Exported symbols; the last two are variables of 32 bits."""

LIBC = (
    "syscall",
    "sched_yield",
    "sched_getaffinity",
    "__sched_cpucount",
    "pthread_create",
    "pthread_join",
    "pthread_sigmask",
    "clock_gettime",
)
"""Functions of the C library that the module calls."""

_FUTEX = {"x86_64": 202, "aarch64": 98}
_PAUSE = {"x86_64": "void @llvm.x86.sse2.pause()", "aarch64": "void @llvm.aarch64.isb(i32 15)"}


def source(*, machine: str, spins: int, patience: int, most: int) -> str:
    """Source of the module for Linux on `machine`.

    spins: pauses before a worker, or the leader, yields; patience: nanoseconds before a worker sleeps, if it pays
    (``workers``); most: threads at most, the leader included.
    """
    values = {"FUTEX": _FUTEX[machine], "PAUSE": _PAUSE[machine], "SPINS": spins, "MOST": most, "PATIENCE": patience}
    return Template(_MODULE + workers.MODULE).substitute(values, HINT=_PAUSE[machine].replace("i32 15", "i32"))


_MODULE = r"""
declare $HINT
declare i64 @syscall(i64, ...)
declare i32 @sched_yield()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @__sched_cpucount(i64, ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @clock_gettime(i32, ptr)
declare i32 @llvm.smin.i32(i32, i32)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)

%Line = type { i64, ptr, ptr, i64, i64 }               ; gate, task, context, block, lanes
%Lane = type { i64, i64, [14 x i64] }                  ; next item, end; a cache line and its neighbour
@gate = internal global %Line zeroinitializer, align 128
@lanes = internal global [$MOST x %Lane] zeroinitializer, align 128
@busy = internal global i32 0, align 128               ; 1 while a thread leads
@sleepers = internal global i32 0, align 128
@stopping = internal global i32 0, align 128
@workers = global i32 -1                               ; how many run; -1 before the first region
@wanted = global i32 0                                 ; threads to use; 0 is one for each CPU we may run on
@handles = internal global [$MOST x i64] zeroinitializer
; Only what a thread brings upon itself reaches a worker (SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS).
@blocked = internal constant [16 x i64] [i64 -1073743097, i64 -1, i64 -1, i64 -1, i64 -1, i64 -1, i64 -1, i64 -1,
                                         i64 -1, i64 -1, i64 -1, i64 -1, i64 -1, i64 -1, i64 -1, i64 -1]

define void @parallel(ptr %task, ptr %context, i64 %items, i64 %pieces) {
entry:
  %workers = load atomic i32, ptr @workers monotonic, align 4
  %alone = icmp eq i32 %workers, 0
  %few = icmp sle i64 %items, 1
  %direct = or i1 %alone, %few
  br i1 %direct, label %straight, label %cut
straight:
  %some = icmp sgt i64 %items, 0
  br i1 %some, label %call, label %done
call:
  call void %task(ptr %context, i64 0, i64 %items)
  br label %done
cut:
  %parts = call i64 @llvm.smax.i64(i64 %pieces, i64 1)
  %less = sub i64 %items, 1
  %quotient = udiv i64 %less, %parts
  %block = add i64 %quotient, 1
  br label %attempt
attempt:
  %first = phi i64 [ 0, %cut ], [ %last, %lost ]
  %led = load atomic i32, ptr @busy monotonic, align 4
  %free = icmp eq i32 %led, 0
  br i1 %free, label %try, label %lost
try:
  %pair = cmpxchg ptr @busy, i32 0, i32 1 acquire monotonic, align 4
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %lead, label %lost
lost:
  %end = add i64 %first, %block
  %last = call i64 @llvm.smin.i64(i64 %end, i64 %items)
  call void %task(ptr %context, i64 %first, i64 %last)
  %more = icmp slt i64 %last, %items
  br i1 %more, label %attempt, label %done
lead:
  call void @share(ptr %task, ptr %context, i64 %first, i64 %items, i64 %block)
  store atomic i32 0, ptr @busy release, align 4
  br label %done
done:
  ret void
}

define internal void @share(ptr %task, ptr %context, i64 %first, i64 %items, i64 %block) {
entry:
  %known = load i32, ptr @workers
  %fresh = icmp slt i32 %known, 0
  br i1 %fresh, label %begin, label %ready
begin:
  %started = call i32 @start()
  br label %ready
ready:
  %workers = phi i32 [ %known, %entry ], [ %started, %begin ]
  %left = sub i64 %items, %first
  %one = icmp sle i64 %left, %block
  %none = icmp eq i32 %workers, 0
  %alone = or i1 %one, %none
  br i1 %alone, label %straight, label %fork
straight:
  call void %task(ptr %context, i64 %first, i64 %items)
  ret void
fork:
  %rest.items = sub i64 %left, 1
  %blocks.less = udiv i64 %rest.items, %block
  %blocks = add i64 %blocks.less, 1
  %threads.less = zext i32 %workers to i64
  %threads = add i64 %threads.less, 1
  %lanes = call i64 @llvm.smin.i64(i64 %blocks, i64 %threads)
  br label %lay
lay:
  %lane = phi i64 [ 0, %fork ], [ %lane.next, %lay ]
  %begin.item = phi i64 [ %first, %fork ], [ %end.item, %lay ]
  %lane.next = add i64 %lane, 1
  %share = mul i64 %lane.next, %blocks
  %end.block = udiv i64 %share, %lanes
  %end.offset = mul i64 %end.block, %block
  %end.full = add i64 %first, %end.offset
  %end.item = call i64 @llvm.smin.i64(i64 %end.full, i64 %items)
  %next.p = getelementptr [$MOST x %Lane], ptr @lanes, i64 0, i64 %lane, i32 0
  %end.p = getelementptr [$MOST x %Lane], ptr @lanes, i64 0, i64 %lane, i32 1
  store atomic i64 %begin.item, ptr %next.p monotonic, align 8
  store i64 %end.item, ptr %end.p
  %lay.more = icmp slt i64 %lane.next, %lanes
  br i1 %lay.more, label %lay, label %open
open:
  store ptr %task, ptr getelementptr (%Line, ptr @gate, i32 0, i32 1)
  store ptr %context, ptr getelementptr (%Line, ptr @gate, i32 0, i32 2)
  store i64 %block, ptr getelementptr (%Line, ptr @gate, i32 0, i32 3)
  store i64 %lanes, ptr getelementptr (%Line, ptr @gate, i32 0, i32 4)
  %opened = atomicrmw add ptr @gate, i64 4294967297 seq_cst, align 8
  %asleep = load atomic i32, ptr @sleepers seq_cst, align 4
  %idle = icmp sgt i32 %asleep, 0
  br i1 %idle, label %rouse, label %work
rouse:
  %sleeping = zext i32 %asleep to i64
  %count = call i64 @llvm.smin.i64(i64 %blocks.less, i64 %sleeping)
  call void @wake(i64 %count)
  br label %work
work:
  call void @claim(i64 0)
  %inside = atomicrmw and ptr @gate, i64 -2 acq_rel, align 8
  %low = trunc i64 %inside to i32
  %empty = icmp eq i32 %low, 1
  br i1 %empty, label %joined, label %wait
wait:
  %spins = phi i32 [ 0, %work ], [ %next, %again ]
  %state = load atomic i64, ptr @gate acquire, align 8
  %count.now = trunc i64 %state to i32
  %left.all = icmp eq i32 %count.now, 0
  br i1 %left.all, label %joined, label %rest
rest:
  %long = icmp sge i32 %spins, $SPINS
  br i1 %long, label %yield, label %pause
yield:
  %ignored = call i32 @sched_yield()
  br label %again
pause:
  call $PAUSE
  br label %again
again:
  %plus = add i32 %spins, 1
  %next = call i32 @llvm.smin.i32(i32 %plus, i32 $SPINS)
  br label %wait
joined:
  ret void
}

; Does blocks of lane %home until it is empty, and then of those after it, all the way round.
define internal void @claim(i64 %home) {
entry:
  %task = load ptr, ptr getelementptr (%Line, ptr @gate, i32 0, i32 1)
  %context = load ptr, ptr getelementptr (%Line, ptr @gate, i32 0, i32 2)
  %block = load i64, ptr getelementptr (%Line, ptr @gate, i32 0, i32 3)
  %lanes = load i64, ptr getelementptr (%Line, ptr @gate, i32 0, i32 4)
  br label %lane
lane:
  %tried = phi i64 [ 0, %entry ], [ %tries, %empty ]
  %distance = add i64 %home, %tried
  %index = urem i64 %distance, %lanes
  %next.p = getelementptr [$MOST x %Lane], ptr @lanes, i64 0, i64 %index, i32 0
  %end.p = getelementptr [$MOST x %Lane], ptr @lanes, i64 0, i64 %index, i32 1
  %end = load i64, ptr %end.p
  br label %look
look:
  %seen = load atomic i64, ptr %next.p monotonic, align 8
  %left = icmp slt i64 %seen, %end
  br i1 %left, label %take, label %empty
take:
  %first = atomicrmw add ptr %next.p, i64 %block monotonic, align 8
  %some = icmp slt i64 %first, %end
  br i1 %some, label %run, label %empty
run:
  %past = add i64 %first, %block
  %last = call i64 @llvm.smin.i64(i64 %past, i64 %end)
  call void %task(ptr %context, i64 %first, i64 %last)
  br label %look
empty:
  %tries = add i64 %tried, 1
  %more = icmp slt i64 %tries, %lanes
  br i1 %more, label %lane, label %done
done:
  ret void
}

define internal void @wake(i64 %count) noinline {
  %woken = call i64 (i64, ...) @syscall(i64 $FUTEX, ptr getelementptr (i8, ptr @gate, i64 4), i64 129, i64 %count)
  ret void
}
"""

ALONE = """
define void @parallel(ptr %task, ptr %context, i64 %items, i64 %pieces) {
  %some = icmp sgt i64 %items, 0
  br i1 %some, label %call, label %done
call:
  call void %task(ptr %context, i64 0, i64 %items)
  br label %done
done:
  ret void
}
"""
"""Source of the module for other platforms: `parallel` on the caller's thread, and nothing else."""
