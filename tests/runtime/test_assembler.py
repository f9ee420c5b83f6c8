"""Glue written in Python: what the written code does when it runs."""

import ctypes

import pytest

from tenure.runtime import extension
from tenure.runtime.assembler import Function, Module
from tenure.runtime.native import load


def test_branches_loops_and_calls():
    module = Module(Function)
    with module.function("is_even", "i64 %x", returns="i1") as f:
        f.ret(f.equal(f.do("and", "i64 %x", "i64 1"), "i64 0"))
    with module.function("evens", "i64 %n", returns="i64", exported=True) as f:  # how many even numbers lie below n
        total = f.local("i64")
        f.store("i64 0", total)
        with f.when(f.value("i1", "icmp sgt i64 %n, 1000")):
            f.ret("i64 -1")
        with f.each("i64 %n") as k:
            even = f.call("is_even", k, returns="i1")
            with f.unless(f.negation(even)):
                f.store(f.do("add", f.load(total, "i64"), "i64 1"), total)
        f.ret(f.load(total, "i64"))
    address = load(str(module), exports=["evens"])["evens"]
    evens = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)
    assert [evens(n) for n in (0, 1, 2, 7, 1000, 1001)] == [0, 1, 1, 4, 500, -1]


@pytest.mark.skipif(not extension.AVAILABLE, reason="there are no generated builtins on this platform")
def test_slots_are_where_they_are_said_to_be():
    class Pair:
        __slots__ = ("first", "second")

    pair = Pair()
    pair.first, pair.second = object(), object()
    for name in Pair.__slots__:
        word = ctypes.c_void_p.from_address(id(pair) + extension.offset(Pair, name)).value
        assert word == id(getattr(pair, name))
