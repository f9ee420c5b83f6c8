"""Generated code of the workers: their wait for the next region, their start and their end.

A worker that sleeps takes 10 to 20 µs to be there, as long as a small region lasts; one that spins is there at once
and keeps a processor from others. So it spins for some microseconds in any case, and on for a tenth of a millisecond or
two while that pays: regions came within that time lately. Between looks it then yields the processor.
"""

__all__ = ["MODULE"]

MODULE = r"""
; A worker's life. %born is its lane and, in the lower 32 bits, the epoch; %seen is the last one it has answered.
; %credit is how often a long wait may still be in vain, %began when one began, 0 before.
define internal ptr @work(ptr %born) {
entry:
  %start = ptrtoint ptr %born to i64
  %first = trunc i64 %start to i32
  %home = lshr i64 %start, 32
  br label %wait
wait:
  %seen = phi i32 [ %first, %entry ], [ %seen, %pause ], [ %seen, %yield ], [ %seen, %sleep ], [ %epoch, %leave ]
  %credit = phi i64 [ 4, %entry ], [ %credit, %pause ], [ %credit, %yield ], [ %credit, %sleep ],
                    [ %earned, %leave ]
  %began = phi i64 [ 0, %entry ], [ %began, %pause ], [ %since, %yield ], [ %since, %sleep ], [ 0, %leave ]
  %spins = phi i32 [ 0, %entry ], [ %more, %pause ], [ %few, %yield ], [ 0, %sleep ], [ 0, %leave ]
  %state = load atomic i64, ptr @gate acquire, align 8
  %high = lshr i64 %state, 32
  %epoch = trunc i64 %high to i32
  %called = icmp ne i32 %epoch, %seen
  br i1 %called, label %enter, label %rest
rest:
  %long = icmp sge i32 %spins, $SPINS
  br i1 %long, label %look, label %pause
pause:
  call $PAUSE
  %more = add i32 %spins, 1
  br label %wait
look:
  %now = call i64 @clock()
  %begins = icmp eq i64 %began, 0
  %since = select i1 %begins, i64 %now, i64 %began
  %waited = sub i64 %now, %since
  %left = icmp slt i64 %waited, $PATIENCE
  %trusts = icmp sgt i64 %credit, 0
  %stays = and i1 %left, %trusts
  br i1 %stays, label %yield, label %sleep
yield:
  %ignored = call i32 @sched_yield()
  %few = sub i32 $SPINS, 16
  br label %wait
sleep:
  ; seq_cst against the leader, which advances the epoch and then looks for sleepers: one of the two sees the other.
  %down = atomicrmw add ptr @sleepers, i32 1 seq_cst, align 4
  %slept = call i64 (i64, ...) @syscall(i64 $FUTEX, ptr getelementptr (i8, ptr @gate, i64 4), i64 128,
                                        i32 %seen, ptr null)
  %up = atomicrmw sub ptr @sleepers, i32 1 seq_cst, align 4
  br label %wait
enter:
  %stop = load atomic i32, ptr @stopping acquire, align 4
  %over = icmp ne i32 %stop, 0
  br i1 %over, label %end, label %step
step:
  %earned = call i64 @earned(i64 %credit, i64 %began)
  %before = atomicrmw add ptr @gate, i64 2 acquire, align 8
  %bit = trunc i64 %before to i1
  br i1 %bit, label %help, label %leave
help:
  call void @claim(i64 %home)
  br label %leave
leave:
  %after = atomicrmw sub ptr @gate, i64 2 release, align 8
  br label %wait
end:
  ret ptr null
}

; The credit after a wait. A short one says nothing, one within $PATIENCE ns gives all of it, a longer one takes some.
define internal i64 @earned(i64 %credit, i64 %began) {
entry:
  %short = icmp eq i64 %began, 0
  br i1 %short, label %same, label %ask
same:
  ret i64 %credit
ask:
  %now = call i64 @clock()
  %waited = sub i64 %now, %began
  %paid = icmp slt i64 %waited, $PATIENCE
  %less = sub i64 %credit, 1
  %floor = call i64 @llvm.smax.i64(i64 %less, i64 0)
  %new = select i1 %paid, i64 4, i64 %floor
  ret i64 %new
}

define internal i64 @clock() {
  %time = alloca { i64, i64 }, align 8
  %failed = call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time
  %rest.p = getelementptr { i64, i64 }, ptr %time, i32 0, i32 1
  %rest = load i64, ptr %rest.p
  %whole = mul i64 %seconds, 1000000000
  %ns = add i64 %whole, %rest
  ret i64 %ns
}

; Makes the workers and returns how many; the caller leads.
define internal i32 @start() noinline {
entry:
  %cpus = alloca [128 x i64], align 8
  %signals = alloca [16 x i64], align 8
  %given = load i32, ptr @wanted
  %fixed = icmp sgt i32 %given, 0
  br i1 %fixed, label %create, label %ask
ask:
  %failed = call i32 @sched_getaffinity(i32 0, i64 1024, ptr %cpus)
  %known = icmp eq i32 %failed, 0
  br i1 %known, label %count, label %create
count:
  %allowed = call i32 @__sched_cpucount(i64 1024, ptr %cpus)
  br label %create
create:
  %threads = phi i32 [ %given, %entry ], [ 1, %ask ], [ %allowed, %count ]
  %most = call i32 @llvm.smin.i32(i32 %threads, i32 $MOST)
  %goal = sub i32 %most, 1
  %state = load i64, ptr @gate
  %epoch = lshr i64 %state, 32
  %masked = call i32 @pthread_sigmask(i32 2, ptr @blocked, ptr %signals)
  br label %more
more:
  %made = phi i32 [ 0, %create ], [ %plus, %good ]
  %want = icmp slt i32 %made, %goal
  br i1 %want, label %new, label %done
new:
  %slot = getelementptr [$MOST x i64], ptr @handles, i32 0, i32 %made
  %number = add i32 %made, 1
  %lane = zext i32 %number to i64
  %upper = shl i64 %lane, 32
  %both = or i64 %upper, %epoch
  %born = inttoptr i64 %both to ptr
  %refused = call i32 @pthread_create(ptr %slot, ptr null, ptr @work, ptr %born)
  %fine = icmp eq i32 %refused, 0
  br i1 %fine, label %good, label %done
good:
  %plus = add i32 %made, 1
  br label %more
done:
  %unmasked = call i32 @pthread_sigmask(i32 2, ptr %signals, ptr null)
  store atomic i32 %made, ptr @workers monotonic, align 4
  ret i32 %made
}

; Takes the lead and ends the workers; 0 if another thread leads. The next region after @resume makes new ones.
define i32 @halt() {
entry:
  %pair = cmpxchg ptr @busy, i32 0, i32 1 acquire monotonic, align 4
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %stop, label %lost
lost:
  ret i32 0
stop:
  %workers = load i32, ptr @workers
  store atomic i32 1, ptr @stopping release, align 4
  %advanced = atomicrmw add ptr @gate, i64 4294967296 seq_cst, align 8
  call void @wake(i64 2147483647)
  br label %more
more:
  %ended = phi i32 [ 0, %stop ], [ %plus, %join ]
  %some = icmp slt i32 %ended, %workers
  br i1 %some, label %join, label %done
join:
  %slot = getelementptr [$MOST x i64], ptr @handles, i32 0, i32 %ended
  %handle = load i64, ptr %slot
  %joined = call i32 @pthread_join(i64 %handle, ptr null)
  %plus = add i32 %ended, 1
  br label %more
done:
  store atomic i32 0, ptr @stopping release, align 4
  store atomic i32 -1, ptr @workers monotonic, align 4
  ret i32 1
}

define void @resume() {
  store atomic i32 0, ptr @busy release, align 4
  ret void
}

; In the child of a fork: whatever the other threads were doing, they are gone.
define void @reset() {
  store atomic i64 0, ptr @gate monotonic, align 8
  store atomic i32 0, ptr @sleepers monotonic, align 4
  store atomic i32 0, ptr @stopping monotonic, align 4
  store atomic i32 -1, ptr @workers monotonic, align 4
  store atomic i32 0, ptr @busy release, align 4
  ret void
}
"""
"""Source of the workers, a part of ``wait_loop``'s module."""
