"""Generated code of large matrix products: the blocks of ``small`` over copies of b, and of a if its terms lie apart.

So the bits are those of small products: they depend on the number of terms alone. OpenBLAS copies both operands for
each tile that a thread takes, a fifth of its time where a layer's weights are 1536×384; here b is copied once for all
rows that a thread takes one after the other, and a is read where it lies. One thread, Zen 3, of about 100 GFLOP/s, own
and OpenBLAS: 2016×384 by 384×1536 95, 91; 2016×1536 by 1536×384 92, 90; 1008×1024×1024 92, 91.
"""

from string import Template

from tenure.runtime.small import BLOCK, DEPTH, MOST

__all__ = ["source"]


def source(real: str, size: int, count: int) -> str:
    """``void large(…)`` of the arguments of ``small``, beside its code, on C's `malloc` and `free`. Where there is no
    memory for the copies the small code does the work."""
    names = {"REAL": real, "SIZE": size, "WIDTH": 2 * count}
    return Template(_MODULE).substitute(names, DEPTH=DEPTH, BLOCK=BLOCK, MOST=MOST // size)


_MODULE = """
declare ptr @malloc(i64)
declare void @free(ptr)

define internal void @large(i64 %m, i64 %n, i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, i64 %beside,
                            ptr %c, i64 %pitch) {
  %up = add i64 %n, $WIDTH
  %up.less = sub i64 %up, 1
  %rest = urem i64 %up.less, $WIDTH
  %columns = sub i64 %up.less, %rest
  %group = call i64 @llvm.smin.i64(i64 %columns, i64 $MOST)
  %lines = add i64 %group, $BLOCK
  %numbers = mul i64 %lines, $DEPTH
  %bytes = mul i64 %numbers, $SIZE
  %more = add i64 %bytes, 64
  %given = call ptr @malloc(i64 %more)
  %none = icmp eq ptr %given, null
  br i1 %none, label %without, label %with
without:
  call void @small(i64 %m, i64 %n, i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, i64 %beside,
                   ptr %c, i64 %pitch)
  ret void
with:
  %at = ptrtoint ptr %given to i64
  %past = add i64 %at, 63
  %round = and i64 %past, -64
  %room = inttoptr i64 %round to ptr
  call void @blocks(i64 %m, i64 %n, i64 %k, ptr %a, i64 %across, i64 %down, ptr %b, i64 %step, i64 %beside,
                    ptr %c, i64 %pitch, ptr %room, i64 %group, i64 $BLOCK, i1 true)
  call void @free(ptr %given)
  ret void
}
"""
