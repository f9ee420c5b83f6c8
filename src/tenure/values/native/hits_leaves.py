"""Leaves behind a result, and rows of leaves, that the usual ``backward()`` goes to: generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code

__all__ = ["LEAVES", "MOST_LEAVES"]

MOST_LEAVES = 500


def is_apart(m: Code) -> None:
    """Whether the gradients of two leaves can be added in any order: they are of two places, or both by rows."""
    with m.function("is_apart", "ptr %x", "ptr %y", returns="i1") as f:
        rows, of = [], []
        for leaf in ("ptr %x", "ptr %y"):
            by_rows, base = f.is_(f.kind(leaf), "rowleaf"), f.local()
            f.store(leaf, base)
            with f.when(by_rows):
                f.store(f.get(leaf, "rowleaf.of"), base)
            rows.append(by_rows)
            of.append(f.load(base))
        f.ret(f.either(f.negation(f.equal(*of)), f.every(*rows, f.negation(f.equal("ptr %x", "ptr %y")))))


def is_plain_leaf(m: Code) -> None:
    """Whether an object is a leaf, or rows of one, without hooks."""
    with m.function("is_plain_leaf", "ptr %leaf", returns="i1") as f:
        with f.when(f.is_(f.kind("ptr %leaf"), "leaf")):
            f.ret(f.empty(f.get("ptr %leaf", "leaf.hooks"), "Dict"))
        with f.unless(f.is_(f.kind("ptr %leaf"), "rowleaf")):
            f.ret("i1 false")
        hooks = [f.get(x, "leaf.hooks") for x in ("ptr %leaf", f.get("ptr %leaf", "rowleaf.of"))]
        f.ret(f.every(*[f.empty(x, "Dict") for x in hooks]))


def leaves_of(m: Code) -> None:
    """Return the distinct leaves behind a result of a held trace, as a list; NULL if there are other sources, one leaf
    twice, or one with rows of it."""
    with m.function("leaves_of", "ptr %t", "ptr %x") as f:
        over, deps = f.local("i32"), f.call("behind", "ptr %t", "ptr %x")
        with f.when(f.absent(deps)):
            f.ret(NULL)
        count = f.size(deps, "Tuple")
        inputs, marks = f.get("ptr %t", "trace.inputs"), f.get("ptr %t", "trace.marks")
        with f.when(f.value("i1", f"icmp ugt {f.do('sub', count, 'i64 1')}, {MOST_LEAVES - 1}")):
            f.ret(NULL)
        out = f.call("PyList_New", count)
        with f.when(f.absent(out)):
            f.ret(NULL)
        with f.each(count) as k:
            slot, box = f.call("PyTuple_GetItem", deps, k), f.local()
            number = f.call("PyLong_AsLongLongAndOverflow", slot, over, returns="i64")
            own = f.value("i1", f"icmp sge {number}, 0")
            with f.when(own):
                f.store(f.call("PyDict_GetItemWithError", marks, slot), box)
            with f.unless(own):
                x = f.call("PyList_GetItem", inputs, f.do("xor", number, "i64 -1"))
                f.store(f.get(x, ".src"), box)
            leaf, good = f.load(box), f.local("i1")
            f.store("i1 false", good)
            with f.unless(f.absent(leaf)), f.when(f.call("is_plain_leaf", leaf, returns="i1")):
                f.store("i1 true", good)
                with f.each(k) as j:
                    apart = f.call("is_apart", f.call("PyList_GetItem", out, j), leaf, returns="i1")
                    f.store(f.both(f.load(good, "i1"), apart), good)
            with f.unless(f.load(good, "i1")):
                f.decref(out)
                f.ret(NULL)
            f.call("PyList_SetItem", out, k, f.incref(leaf), returns="i32")
        f.ret(out)


LEAVES = is_apart, is_plain_leaf, leaves_of
"""Internal functions of ``backward``."""
