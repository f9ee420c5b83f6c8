"""How the generated code of ``hits`` handles Python's objects: slots, references, constants."""

from __future__ import annotations

from collections.abc import Mapping

from tenure.runtime.assembler import NULL, Function, Module

__all__ = ["HANDLE", "LATE", "MOST_PLACES", "Code", "Step"]

MOST_PLACES = 6
HANDLE = ("aval", "bound", "code", "data", "deps", "held", "lasti", "node", "slot", "src", "trace")
"""The slots of a handle, whose places are known only once its class is made."""

LATE = {
    "var": ("borrows", "home", "leaf", "loans", "ties", "val", "whole"),
    "borrow": ("endings", "parent", "place", "region", "stale", "val"),
}
"""Those of a place and of a borrow."""

TYPE = "i64 8"
"""Where an object keeps its type."""


class Step(Function):
    """A function body that knows how Python's objects are handled."""

    offsets: Mapping[str, int]

    def where(self, slot: str) -> str:
        """The offset of a slot: ``node.next``, ``.slot`` of a handle, ``var.val`` of a place."""
        if slot in self.offsets:
            return f"i64 {self.offsets[slot]}"
        return self.load(f"ptr @at_{slot.lstrip('.').replace('.', '_')}", "i64")

    def get(self, x: str, slot: str) -> str:
        """What an object keeps in a slot."""
        return self.load(self.at(x, self.where(slot), "i8"))

    def kind(self, x: str) -> str:
        """The type of an object."""
        return self.load(self.at(x, TYPE, "i8"))

    def put(self, x: str, slot: str, v: str) -> None:
        """Let an object keep, and take, a value in a slot that holds nothing."""
        self.store(v, self.at(x, self.where(slot), "i8"))

    def swap(self, x: str, slot: str, v: str) -> None:
        """Let an object keep another value."""
        address = self.at(x, self.where(slot), "i8")
        old = self.load(address)
        self.store(self.own(v), address)
        self.drop(old)

    def give_none(self) -> None:
        """Give None, or the error that there is."""
        with self.when(self.failed()):
            self.give(NULL)
        self.give(self.own(self.constant("none")))

    def own(self, v: str) -> str:
        """One more reference to a value."""
        self.call("Py_IncRef", v, gives="void")
        return v

    def drop(self, *values: str) -> None:
        """Give up references, also to nothing."""
        for v in values:
            self.call("Py_DecRef", v, gives="void")

    def constant(self, name: str) -> str:
        """An object that the code knows."""
        return self.load(f"ptr @o_{name}")

    def absent(self, v: str) -> str:
        """Whether it is no object."""
        return self.equal(v, NULL)

    def is_(self, v: str, name: str) -> str:
        """Whether it is an object that the code knows."""
        return self.equal(v, self.constant(name))

    def every(self, *conditions: str) -> str:
        """Whether all bits are set."""
        out = conditions[0]
        for condition in conditions[1:]:
            out = self.both(out, condition)
        return out

    def either(self, *conditions: str) -> str:
        """Whether one of the bits is set."""
        out = conditions[0]
        for condition in conditions[1:]:
            out = self.do("or", out, condition)
        return out

    def size(self, x: str, kind: str) -> str:
        """The length of a tuple, list or dictionary."""
        return self.call(f"Py{kind}_Size", x, gives="i64")

    def item(self, x: str, k: str) -> str:
        """What a tuple has at a place."""
        return self.call("PyTuple_GetItem", x, k)

    def empty(self, x: str, kind: str) -> str:
        """Whether a tuple, list or dictionary is empty."""
        return self.equal(self.size(x, kind), "i64 0")

    def failed(self) -> str:
        """Whether there is an error."""
        return self.negation(self.absent(self.call("PyErr_Occurred")))

    def ask(self, *args: str) -> str:
        """Give what a Python function gives."""
        return self.call("PyObject_CallFunctionObjArgs", *args, NULL, variadic=True)

    def tell(self, x: str, method: str, *args: str) -> str:
        """Give what a method of an object gives."""
        return self.call("PyObject_CallMethodObjArgs", x, self.constant(method), *args, NULL, variadic=True)

    def made(self, kind: str, **slots: str) -> str:
        """Give a new object of a class, which is named as its slots are, with values that it takes; on through the
        function where there is memory, else give nothing."""
        x = self.call("PyType_GenericAlloc", self.constant(kind), "i64 0")
        prefix = "" if kind == "tensor" else kind
        with self.unless(self.absent(x)):
            for name, v in slots.items():
                self.put(x, f"{prefix}.{name}", v)
        with self.when(self.absent(x)):
            self.drop(*slots.values())
        return x


Code = Module[Step]
