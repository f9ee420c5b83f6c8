"""Access to Python's objects in the generated code of the fast path: slots, references, constants."""

from __future__ import annotations

from collections.abc import Mapping

from tenure.runtime.assembler import NULL, Function, Module

__all__ = ["BASIC_SIZE", "CELL", "HANDLE", "HEAD", "LATE", "MOST_PLACES", "ROWS", "VIEW", "Code", "Step"]

MOST_PLACES = 12
HANDLE = ("aval", "bound", "code", "data", "held", "kind", "lasti", "rule", "slot", "src", "trace")
"""Slots of a handle, whose offsets are known only once its class is made."""

LATE = {
    "var": ("borrows", "holders", "home", "leaf", "loans", "ties", "val", "whole"),
    "borrow": ("endings", "parent", "place", "region", "stale", "val"),
}
"""Slots of a place and of a borrow, likewise."""

ROWS = ("lent", "val")
"""Slots of the place of a sparse gradient; likewise."""

CELL = ("layout", "lent", "window")
"""Slots that a cell, a place of another library's face, has beyond those of a place; likewise."""

VIEW = {
    "window": ("flag", "foreign", "is_root", "layout", "node", "offset", "owner", "parent", "quiet", "recorded", "step",
               "where", "written"),
    "step": ("function", "layout", "offset", "params", "starts"),
    "layout": ("shape", "views"),
}  # fmt: skip
"""Slots of the window of a cell, of the step that it is taken by, and of a layout; likewise."""

TYPE, BASIC_SIZE, HEAD = "i64 8", "i64 32", "i64 2"
"""Offset of an object's type; in a type, that of the size of its objects; words of an object before its slots."""


class Step(Function):
    """Function under construction, with instructions on Python's objects."""

    offsets: Mapping[str, int]

    def where(self, slot: str) -> str:
        """Offset of a slot: ``node.next``, ``.slot`` of a handle, ``var.val`` of a place."""
        if slot in self.offsets:
            return f"i64 {self.offsets[slot]}"
        return self.load(f"ptr @at_{slot.lstrip('.').replace('.', '_')}", "i64")

    def get(self, x: str, slot: str) -> str:
        """Load a slot of an object (a borrowed reference)."""
        return self.load(self.at(x, self.where(slot), "i8"))

    def kind(self, x: str) -> str:
        """Load the type of an object."""
        return self.load(self.at(x, TYPE, "i8"))

    def put(self, x: str, slot: str, v: str) -> None:
        """Store a value in an empty slot, which takes over the reference."""
        self.store(v, self.at(x, self.where(slot), "i8"))

    def swap(self, x: str, slot: str, v: str) -> None:
        """Store a value in a slot with a new reference, and release the former one."""
        address = self.at(x, self.where(slot), "i8")
        old = self.load(address)
        self.store(self.incref(v), address)
        self.decref(old)

    def give_none(self) -> None:
        """Return None, or NULL if there is an error."""
        with self.when(self.failed()):
            self.ret(NULL)
        self.ret(self.incref(self.constant("none")))

    def incref(self, v: str) -> str:
        """Increment the reference count of an object."""
        self.call("Py_IncRef", v, returns="void")
        return v

    def decref(self, *values: str) -> None:
        """Decrement reference counts; NULL is allowed."""
        for v in values:
            self.call("Py_DecRef", v, returns="void")

    def untrack(self, *values: str) -> None:
        """Take objects out of the lists of the cyclic collector: what is in no cycle that is not broken otherwise."""
        for v in values:
            self.call("PyObject_GC_UnTrack", v, returns="void")

    def constant(self, name: str) -> str:
        """Load an object that the code refers to by name."""
        return self.load(f"ptr @o_{name}")

    def absent(self, v: str) -> str:
        """Whether a pointer is NULL."""
        return self.equal(v, NULL)

    def is_(self, v: str, name: str) -> str:
        """Whether it is the object that the code refers to by this name."""
        return self.equal(v, self.constant(name))

    def every(self, *conditions: str) -> str:
        """Conjunction of bits."""
        out = conditions[0]
        for condition in conditions[1:]:
            out = self.both(out, condition)
        return out

    def either(self, *conditions: str) -> str:
        """Disjunction of bits."""
        out = conditions[0]
        for condition in conditions[1:]:
            out = self.do("or", out, condition)
        return out

    def size(self, x: str, kind: str) -> str:
        """Length of a tuple, list or dictionary."""
        return self.call(f"Py{kind}_Size", x, returns="i64")

    def item(self, x: str, k: str) -> str:
        """Item of a tuple (a borrowed reference)."""
        return self.call("PyTuple_GetItem", x, k)

    def untracked(self, x: str) -> str:
        """Whether no gradient flows to a value."""
        return self.is_(self.get(self.get(x, ".kind"), "kind.tracked"), "false")

    def shared(self, x: str) -> str:
        """Whether a value is not that of one example of a vmapped call."""
        return self.is_(self.get(self.get(x, ".kind"), "kind.level"), "none")

    def empty(self, x: str, kind: str) -> str:
        """Whether a tuple, list or dictionary is empty."""
        return self.equal(self.size(x, kind), "i64 0")

    def failed(self) -> str:
        """Whether an error is set."""
        return self.negation(self.absent(self.call("PyErr_Occurred")))

    def call_python(self, *args: str) -> str:
        """Call a Python function."""
        return self.call("PyObject_CallFunctionObjArgs", *args, NULL, variadic=True)

    def call_method(self, x: str, method: str, *args: str) -> str:
        """Call a method of an object."""
        box = self.local(count=1 + len(args))
        for k, v in enumerate((x, *args)):
            self.store(v, self.at(box, f"i64 {k}"))
        return self.call("PyObject_VectorcallMethod", self.constant(method), box, f"i64 {1 + len(args)}", NULL)

    def made(self, kind: str, /, **slots: str) -> str:
        """New object of a class, which is named as its slots are; it takes over references to the values. NULL where
        there is no memory: the values are then released."""
        x = self.call("PyType_GenericAlloc", self.constant(kind), "i64 0")
        prefix = "" if kind == "tensor" else kind
        with self.unless(self.absent(x)):
            for name, v in slots.items():
                self.put(x, f"{prefix}.{name}", v)
        with self.when(self.absent(x)):
            self.decref(*slots.values())
        return x


Code = Module[Step]
