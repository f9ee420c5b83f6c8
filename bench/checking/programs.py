"""Random small programs over lists, dictionaries, sets and NumPy arrays, with aliases, views, calls and loops.

A program has two spellings of the same statements: the plain one, which the checker sees, and one with calls of a
tracer between them, which is run. Lines of the plain one are numbered; the tracer is told them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Program", "generate"]

NEW = {
    "list": ("[3, 1, 2, 5]", "[v for v in range(6)]"),
    "dict": ("{'a': 1, 'b': 2, 'c': 3}", "dict(a=1, b=2, c=3)"),
    "set": ("{1, 2, 3, 4}", "set(range(5))"),
    "vector": ("np.arange(6.0)", "np.ones(6)"),
    "matrix": ("np.zeros((3, 4))", "np.arange(12.0).reshape(3, 4)"),
}
COPIES = {
    "list": ("{0}.copy()", "list({0})", "{0}[:]", "{0} + [7]"),
    "dict": ("{0}.copy()", "dict({0})"),
    "set": ("{0}.copy()", "set({0})", "{0} | {{9}}"),
    "vector": ("{0}.copy()", "np.array({0})", "{0} * 2", "{0}[[0, 2, 1]]"),
    "matrix": ("{0}.copy()", "np.array({0})", "{0} + 1.0"),
}
VIEWS = {
    "vector": (("{0}[1:4]", "vector"), ("{0}[::2]", "vector"), ("{0}[:3]", "vector"), ("{0}.reshape(-1)", "vector")),
    "matrix": (("{0}[1]", "vector"), ("{0}[:, 0]", "vector"), ("{0}.T", "matrix"), ("{0}.ravel()", "vector")),
}
# What is written, and the part of it that changes (for the tracer); "resize" ends an iteration.
WRITES = {
    "list": (
        ("{0}.append(8)", True),
        ("{0}.pop()", True),
        ("{0}[0] = 9", False),
        ("{0} += [4]", True),
        ("{0}.sort()", False),
    ),
    "dict": (
        ("{0}['k%d' % len({0})] = 4", True),
        ("{0}.popitem()", True),
        ("{0}.update(z=5)", True),
        ("{0}['a'] = 7", False),
    ),
    "set": (("{0}.add(17)", True), ("{0}.pop()", True), ("{0} |= {{11, 12}}", True), ("{0}.discard(2)", True)),
    "vector": (("{0}[0] = 9.0", False), ("{0} += 1.0", False), ("{0}.fill(2.0)", False), ("{0}[:] = 0.0", False)),
    "matrix": (("{0}[0, 0] = 9.0", False), ("{0} *= 2.0", False), ("{0}[1] = 3.0", False), ("{0}[:, 1] += 1.0", False)),
}
PARTS = {
    "{0}[0] = 9.0": "{0}[:1]",
    "{0}[0, 0] = 9.0": "{0}[:1, :1]",
    "{0}[1] = 3.0": "{0}[1]",
    "{0}[:, 1] += 1.0": "{0}[:, 1]",
}


@dataclass
class Program:
    """The two spellings, line by line; `flags` conditions are undecided."""

    plain: list[str] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)
    flags: int = 0

    @property
    def source(self) -> str:
        """What the checker sees."""
        return "\n".join(self.plain) + "\n"

    @property
    def line(self) -> int:
        """The number of the last line."""
        return len(self.plain)


@dataclass
class _Name:
    text: str
    kind: str
    parameter: bool = False


class _Writer:
    """Writes one program, drawing what comes next."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.program = Program()
        self.names: list[_Name] = []
        self.functions: list[tuple[str, str, str]] = []
        self.depth = 0
        self.fresh = iter(range(1000))

    def plain(self, text: str, traced: str | None = None) -> None:
        """A line of the program, at the depth of the block, and the traced line if that is another."""
        pad = "    " * self.depth
        self.program.plain.append(pad + text)
        self.program.traced.append(pad + (text if traced is None else traced))

    def trace(self, call: str) -> None:
        """A call of the tracer alone."""
        self.program.traced.append("    " * self.depth + f"_t.{call}")

    def bind(self, text: str, value: str, kind: str, relation: str = "new", of: str = "") -> None:
        """A name assigned."""
        self.plain(f"{text} = {value}")
        self.trace(f"bind({text!r}, {text}, {self.program.line}, {relation!r}, {of!r})")
        self.names = [name for name in self.names if name.text != text] + [_Name(text, kind)]

    def name(self, kinds: tuple[str, ...] = ()) -> _Name | None:
        """A name at random."""
        found = [name for name in self.names if not kinds or name.kind in kinds]
        return self.draw.choice(found) if found else None

    def new_name(self) -> str:
        """A fresh name, or now and then one that is bound already."""
        if self.names and self.draw.random() < 0.1:
            return self.draw.choice(self.names).text
        return f"x{next(self.fresh)}"

    def write(self, name: _Name) -> None:
        """An in-place write through a name."""
        form, resizes = self.draw.choice(WRITES[name.kind])
        part = PARTS.get(form, "{0}").format(name.text)
        self.trace(f"write({name.text!r}, {part}, {self.program.line + 1}, {resizes})")
        self.plain(form.format(name.text))

    def read(self, name: _Name) -> None:
        """A read of all that a name holds."""
        self.trace(f"read({name.text!r}, {name.text}, {self.program.line + 1})")
        self.plain(
            self.draw.choice(("print({0})", "print(list({0}))", "total = sum({0})")).format(name.text)
            if name.kind in ("list", "set", "vector")
            else f"print({name.text})"
        )

    def statements(self, count: int, in_loop: bool = False) -> None:
        """Some statements, one under another."""
        for _ in range(count):
            name = self.name()
            if name is None:
                self.create()
                continue
            match self.draw.choices(
                ("new", "alias", "copy", "view", "write", "read", "call", "loop", "if"), (1, 2, 1, 2, 4, 4, 2, 1.5, 0.7)
            )[0]:
                case "new":
                    self.create()
                case "alias":
                    self.bind(self.new_name(), name.text, name.kind, "alias", name.text)
                case "copy":
                    form = self.draw.choice(COPIES[name.kind])
                    self.bind(self.new_name(), form.format(name.text), name.kind)
                case "view" if found := self.name(("vector", "matrix")):
                    form, kind = self.draw.choice(VIEWS[found.kind])
                    self.bind(self.new_name(), form.format(found.text), kind, "view", found.text)
                case "write":
                    self.write(name)
                case "read":
                    self.read(name)
                case "call":
                    self.call()
                case "loop" if self.depth < 2:
                    self.loop(name)
                case "if" if self.depth < 2 and self.program.flags < 2:
                    self.branch()

    def create(self) -> None:
        """A new value under a name."""
        kind = self.draw.choice(list(NEW))
        self.bind(self.new_name(), self.draw.choice(NEW[kind]), kind)

    def loop(self, name: _Name) -> None:
        """A loop over a value, whose body may change what it goes over."""
        items = f"{name.text}.items()" if name.kind == "dict" else name.text
        v = f"v{next(self.fresh)}"
        line = self.program.line + 1
        self.plain(f"for {v} in {items}:", f"for {v} in _t.iterate({name.text!r}, {name.text}, iter({items}), {line}):")
        self.depth += 1
        outer = list(self.names)
        same = [n for n in self.names if n.kind == name.kind]
        if self.draw.random() < 0.5:
            self.write(self.draw.choice(same))
            if self.draw.random() < 0.3:
                self.plain("break")
        else:
            self.statements(self.draw.randint(1, 2), in_loop=True)
            self.plain(f"print({v})")
        self.depth -= 1
        self.names = outer

    def branch(self) -> None:
        """Statements under a condition that nobody knows."""
        self.plain(f"if flags[{self.program.flags}]:")
        self.program.flags += 1
        self.depth += 1
        outer = list(self.names)
        self.statements(self.draw.randint(1, 2))
        self.plain("pass")
        self.depth -= 1
        self.names = outer

    def call(self) -> None:
        """A call of one of the functions with a value of its kind."""
        usable = [(f, name) for f in self.functions for name in self.names if name.kind == f[1]]
        if not usable:
            return
        (function, kind, result), name = self.draw.choice(usable)
        line = self.program.line + 1
        self.trace(f"call({name.text!r}, {line})")
        if result == "none":
            self.plain(f"{function}({name.text})")
            self.trace("returned()")
            return
        target = self.new_name()
        self.plain(f"{target} = {function}({name.text})")
        self.trace("returned()")
        self.trace(f"bind({target!r}, {target}, {line}, {result!r}, {name.text!r})")
        self.names = [n for n in self.names if n.text != target] + [_Name(target, kind)]

    def function(self) -> None:
        """A function of one parameter: writes it, or gives back itself, a view or a copy of it."""
        kind = self.draw.choice(list(NEW))
        name = f"f{len(self.functions)}"
        self.plain(f"def {name}(p):")
        self.depth += 1
        self.trace("bind('p', p, 0, 'argument', '')")
        result = "none"
        if self.draw.random() < 0.6:
            self.write(_Name("p", kind))
        else:
            result = self.draw.choice(("alias", "new"))
            self.plain(f"return {'p' if result == 'alias' else self.draw.choice(COPIES[kind]).format('p')}")
        self.depth -= 1
        self.functions.append((name, kind, result))


def generate(seed: int) -> Program:
    """The program of a seed."""
    writer = _Writer(random.Random(seed))
    writer.plain("import numpy as np")
    writer.plain("from settings import flags", "")
    for _ in range(writer.draw.randint(0, 2)):
        writer.function()
    for _ in range(writer.draw.randint(1, 2)):
        writer.create()
    writer.statements(writer.draw.randint(4, 9))
    for name in _sample(writer):
        writer.read(name)
    return writer.program


def _sample(writer: _Writer) -> Iterator[_Name]:
    for name in writer.names:
        if writer.draw.random() < 0.6:
            yield name
