"""Fast path of Python's numbers: whether a step accepts one without asking its rule. Generated code."""

from __future__ import annotations

from tenure.values.native.hits_objects import Code

__all__ = ["fits"]


def fits(m: Code) -> None:
    """Whether a step accepts a number without further checks."""
    with m.function("fits", "ptr %rule", "i64 %k", "ptr %number", returns="i1") as f:
        bound, over = f.call("PyTuple_GetItem", f.get("ptr %rule", "rule.bounds"), "i64 %k"), f.local("i32")
        with f.when(f.is_(bound, "none")):
            f.ret("i1 true")
        n = f.call("PyLong_AsLongLongAndOverflow", "ptr %number", over, returns="i64")
        held = f.equal(f.load(over, "i32"), "i32 0")
        with f.when(f.is_(bound, "wide")):
            f.ret(held)
        with f.unless(f.both(held, f.is_(f.call("PyTuple_GetItem", bound, "i64 2"), "none"))):
            f.ret(f.every(held, f.is_(bound, "divides"), f.negation(f.equal(n, "i64 0"))))
        ends = [f.call("PyTuple_GetItem", bound, f"i64 {k}") for k in range(2)]
        low, high = (f.call("PyLong_AsLongLongAndOverflow", end, over, returns="i64") for end in ends)
        beyond = f.negation(f.equal(f.load(over, "i32"), "i32 0"))  # uint64's, and larger than any n
        below = f.either(beyond, f.value("i1", f"icmp sle {n}, {high.split()[1]}"))
        f.ret(f.both(f.value("i1", f"icmp sge {n}, {low.split()[1]}"), below))
