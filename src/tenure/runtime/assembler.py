"""Write LLVM IR as Python: values are their typed text, ``with f.when(condition):`` is a branch.

    module = Module(Function)
    with module.function("double", "i64 %x") as f:
        with f.when(f.equal("i64 %x", "i64 0")):
            f.ret("i64 7")
        f.ret(f.do("add", "i64 %x", "i64 %x"))

gives ``define internal i64 @double(i64 %x) { … }``. For glue: a loader keeps local
variables in registers (``native.load``), and no other pass improves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

__all__ = ["NULL", "Function", "Module"]

NULL = "ptr null"


F = TypeVar("F", bound="Function")


class Module(Generic[F]):
    """Module under construction: functions, whose bodies are of one class, and declarations of the functions they
    call."""

    def __init__(self, body: type[F]) -> None:
        self.body = body
        self.lines: list[str] = []
        self.signatures: dict[str, str] = {}
        self.defined: set[str] = set()

    @contextmanager
    def function(
        self, name: str, *params: str, returns: str = "ptr", exported: bool = False, inline: bool = False
    ) -> Iterator[F]:
        """Define a function, called or put in line; its body is written within the block."""
        f = self.body(self)
        self.defined.add(name)
        yield f
        kind = "" if exported else "internal "
        how = " alwaysinline" if inline else ""
        head = f"define {kind}{returns} @{name}({', '.join(params)}){how} {{\nL0:"
        self.lines += [head, *f.locals, *f.lines, "}"]

    def __str__(self) -> str:
        known = {name: line for name, line in self.signatures.items() if name not in self.defined}
        return "\n".join([*[f"declare {line}" for line in known.values()], *self.lines])


class Function:
    """Function under construction. A value is a string such as ``i64 %v3``."""

    def __init__(self, module: Module[Any]) -> None:
        self.module = module
        self.lines: list[str] = []
        self.locals: list[str] = []
        self.count = 0
        self.open = True

    def value(self, kind: str, text: str) -> str:
        """Append an instruction; its result is a new value of a type."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return f"{kind} %v{self.count}"

    def do(self, operation: str, a: str, b: str) -> str:
        """Append an arithmetic instruction on two values of one type."""
        return self.value(a.split()[0], f"{operation} {a}, {b.split()[1]}")

    def equal(self, a: str, b: str) -> str:
        """Equality of two values, as a bit."""
        return self.value("i1", f"icmp eq {a}, {b.split()[1]}")

    def both(self, a: str, b: str) -> str:
        """Conjunction of two bits."""
        return self.do("and", a, b)

    def negation(self, a: str) -> str:
        """Negation of a bit."""
        return self.do("xor", a, "i1 true")

    def choice(self, condition: str, a: str, b: str) -> str:
        """Select: a where the condition holds, else b."""
        return self.value(a.split()[0], f"select {condition}, {a}, {b}")

    def load(self, pointer: str, kind: str = "ptr") -> str:
        """Load a value from an address."""
        return self.value(kind, f"load {kind}, {pointer}")

    def store(self, v: str, pointer: str) -> None:
        """Store a value to an address."""
        self.lines.append(f"  store {v}, {pointer}")

    def at(self, pointer: str, index: str, kind: str = "ptr") -> str:
        """Address of an element of an array."""
        return self.value("ptr", f"getelementptr {kind}, {pointer}, {index}")

    def local(self, kind: str = "ptr", count: int = 1) -> str:
        """Address of local memory of the function (alloca)."""
        self.count += 1
        self.locals.append(f"  %v{self.count} = alloca [{count} x {kind}]")
        return f"ptr %v{self.count}"

    def call(self, name: str, *args: str, returns: str = "ptr", variadic: bool = False) -> str:
        """Call a function by its name; with ``returns="void"`` there is no value."""
        kinds = [a.split()[0] for a in args]
        listed = "ptr, ..." if variadic else ", ".join(kinds)
        self.module.signatures.setdefault(name, f"{returns} @{name}({listed})")
        text = f"call {returns}{' (ptr, ...)' if variadic else ''} @{name}({', '.join(args)})"
        if returns == "void":
            self.lines.append(f"  {text}")
            return ""
        return self.value(returns, text)

    def call_at(self, pointer: str, *args: str, returns: str = "ptr") -> str:
        """Call a function by its address; with ``returns="void"`` there is no value."""
        text = f"call {returns} {pointer.split()[1]}({', '.join(args)})"
        if returns == "void":
            self.lines.append(f"  {text}")
            return ""
        return self.value(returns, text)

    def ret(self, v: str = "void") -> None:
        """Return from the function."""
        self.lines.append(f"  ret {v}")
        self.open = False

    def label(self) -> str:
        """New label."""
        self.count += 1
        return f"L{self.count}"

    def begin(self, label: str) -> None:
        """Start a block at a label; the block before falls through to it, unless it has returned."""
        if self.open:
            self.lines.append(f"  br label %{label}")
        self.lines.append(f"{label}:")
        self.open = True

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Branch: the instructions written within run where the condition holds."""
        then, after = self.label(), self.label()
        self.lines.append(f"  br {condition}, label %{then}, label %{after}")
        self.lines.append(f"{then}:")
        self.open = True
        yield
        self.begin(after)

    @contextmanager
    def unless(self, condition: str) -> Iterator[None]:
        """Branch: the instructions written within run where the condition does not hold."""
        with self.when(self.negation(condition)):
            yield

    @contextmanager
    def each(self, count: str) -> Iterator[str]:
        """Loop: the instructions written within run for 0, 1, … count − 1."""
        counter = self.local("i64")
        self.store("i64 0", counter)
        head, body, after = self.label(), self.label(), self.label()
        self.begin(head)
        k = self.load(counter, "i64")
        more = self.value("i1", f"icmp slt {k}, {count.split()[1]}")
        self.lines.append(f"  br {more}, label %{body}, label %{after}")
        self.lines.append(f"{body}:")
        yield k
        self.store(self.do("add", k, "i64 1"), counter)
        self.begin(head)
        self.lines.pop()  # the head is there already
        self.lines.append(f"{after}:")
