"""Unpickler of plain data: an interpreter of pickle's opcodes that makes containers, and calls only what it is handed.

Names in a pickle are looked up in a table of rebuilders, never imported. What is called are rebuilders, what is built
upon are the objects that they made; everything else is FileError. The opcodes are those of protocols 0 to 5, but for
those that go around the table (extension codes, INST, OBJ) or out of the file (buffers of others).
"""

from __future__ import annotations

import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from tenure.errors import FileError
from tenure.io.files import Source

MARK = object()
"""The object on the stack from which a container's items begin."""
NEWEST = 5
"""The last protocol of pickle whose opcodes are known here."""
KEY_DEPTH = 8
"""Levels of tuples in a key of a dict; hashing deeper ones would take the stack of the process."""


class Rebuilder(NamedTuple):
    """A name that a pickle may use: how it is called, and what it is by itself, as a dtype is."""

    name: str
    call: Callable[..., Any] | None = None
    itself: Any = None


class Vocabulary(Protocol):
    """The meaning of what a pickle names: rebuilders by name, objects that lie outside of it, and states."""

    def find(self, name: str) -> Rebuilder:
        """The rebuilder of a name; FileError for one that is no data."""
        raise NotImplementedError

    def persistent(self, reference: Any) -> Any:
        """The object outside of the pickle that a reference means."""
        raise NotImplementedError

    def build(self, target: Any, state: Any) -> bool:
        """Give an object that a rebuilder made its state, if it takes one."""
        raise NotImplementedError


def unpickle(source: Source, file: Any, words: Vocabulary) -> Any:
    """The object of a pickle that begins where ``file`` is; the file is then behind it."""
    return _Machine(source, words).run(file)


def is_key(x: Any, depth: int = KEY_DEPTH) -> bool:
    """Whether an object may be a key of a dict or an element of a set: a plain value, or a tuple of few of them."""
    if isinstance(x, tuple):
        return depth > 0 and all(is_key(y, depth - 1) for y in x)
    return not isinstance(x, list | dict | set | bytearray | Rebuilder) and x is not MARK


class _Machine:
    def __init__(self, source: Source, words: Vocabulary) -> None:
        self.source, self.words = source, words
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def wrong(self, reason: str) -> FileError:
        return self.source.wrong(f"its pickle is damaged: {reason}")

    def run(self, file: Any) -> Any:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                break
            if opcode.name in CONSTANTS:
                self.stack.append(argument)
            else:
                step = STEPS.get(opcode.name)
                if step is None:
                    raise self.source.wrong(f"its pickle uses {opcode.name}, which plain data does not need")
                step(self, argument)
        if len(self.stack) != 1 or self.stack[0] is MARK:
            raise self.wrong(f"it ends with {len(self.stack)} objects, not one")
        return self.stack.pop()

    def of_protocol(self, number: int) -> None:
        if number > NEWEST:
            raise self.wrong(f"it is of protocol {number}, which is not known")

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is MARK:
            raise self.wrong("an opcode takes an object from an empty stack")
        return self.stack.pop()

    def marked(self) -> list[Any]:
        """The objects above the last mark, which goes with them."""
        for k in range(len(self.stack) - 1, -1, -1):
            if self.stack[k] is MARK:
                items = self.stack[k + 1 :]
                del self.stack[k:]
                return items
        raise self.wrong("an opcode goes back to a mark that is not there")

    def put(self, index: int) -> None:
        if not self.stack or self.stack[-1] is MARK:
            raise self.wrong("an opcode keeps an object of an empty stack")
        self.memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise self.wrong(f"object {index} is used before it is there")
        self.stack.append(self.memo[index])

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1] if self.stack else None
        if type(target) is list:
            target.extend(items)
        elif type(target) is set and all(map(is_key, items)):
            target.update(items)
        else:
            raise self.wrong(f"items are appended to a {type(target).__name__}")

    def update(self, items: list[Any]) -> None:
        target: Any = self.stack[-1] if self.stack else None
        if type(target) not in (dict, OrderedDict, Counter):
            raise self.wrong(f"items are set in a {type(target).__name__}")
        if len(items) % 2:
            raise self.wrong("a key has no value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not is_key(key):
                raise self.wrong(f"a {type(key).__name__} is the key of a dict")
            target[key] = value

    def name(self, name: str) -> None:
        found = self.words.find(name)
        self.stack.append(found if found.call is not None else found.itself)

    def call(self, arguments: Any, keywords: Mapping[str, Any] | None = None) -> None:
        found = self.pop()
        if not isinstance(found, Rebuilder) or found.call is None:
            raise self.wrong(f"a {type(found).__name__} is called")
        if not isinstance(arguments, tuple) or keywords:
            raise self.wrong(f"{found.name} is called with what are no arguments")
        self.stack.append(found.call(*arguments))

    def build(self, state: Any) -> None:
        target = self.stack[-1] if self.stack else None
        if type(target) is OrderedDict and isinstance(state, dict):
            if "_metadata" in state:  # versions of modules, as PyTorch's state_dict() has them
                target._metadata = state["_metadata"]  # type: ignore[attr-defined]
        elif not self.words.build(target, state):
            raise self.wrong(f"a state is given to a {type(target).__name__}")


def _codes(m: _Machine, _: Any) -> None:
    name, module = m.pop(), m.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise m.wrong("a name is no text")
    m.name(f"{module}.{name}")


def _appended(m: _Machine, _: Any) -> None:
    item = m.pop()
    m.extend([item])


def _set_one(m: _Machine, _: Any) -> None:
    value, key = m.pop(), m.pop()
    m.update([key, value])


def _tuple(n: int) -> Callable[[_Machine, Any], None]:
    return lambda m, _: m.stack.append(tuple([m.pop() for _ in range(n)][::-1]))


def _made(m: _Machine, _: Any) -> None:
    arguments = m.pop()
    m.call(arguments)


def _made_with(m: _Machine, _: Any) -> None:
    keywords, arguments = m.pop(), m.pop()
    m.call(arguments, keywords)


def _from_items(m: _Machine, items: list[Any], made: Any) -> None:
    m.stack.append(made)
    m.update(items) if type(made) is dict else m.extend(items)


def _frozen(m: _Machine, _: Any) -> None:
    items = m.marked()
    if not all(map(is_key, items)):
        raise m.wrong("an element of a set is no plain value")
    m.stack.append(frozenset(items))


def _drop(m: _Machine, _: Any) -> None:
    if not m.stack:
        raise m.wrong("an opcode drops an object of an empty stack")
    m.stack.pop()


def _twice(m: _Machine, _: Any) -> None:
    x = m.pop()
    m.stack += [x, x]


STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda m, x: m.of_protocol(x),
    "FRAME": lambda m, x: None,
    "NONE": lambda m, x: m.stack.append(None),
    "NEWTRUE": lambda m, x: m.stack.append(True),
    "NEWFALSE": lambda m, x: m.stack.append(False),
    "EMPTY_LIST": lambda m, x: m.stack.append([]),
    "EMPTY_TUPLE": lambda m, x: m.stack.append(()),
    "EMPTY_DICT": lambda m, x: m.stack.append({}),
    "EMPTY_SET": lambda m, x: m.stack.append(set()),
    "MARK": lambda m, x: m.stack.append(MARK),
    "POP": _drop,
    "POP_MARK": lambda m, x: m.marked().clear(),
    "DUP": _twice,
    "TUPLE": lambda m, x: m.stack.append(tuple(m.marked())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "LIST": lambda m, x: _from_items(m, m.marked(), []),
    "DICT": lambda m, x: _from_items(m, m.marked(), {}),
    "FROZENSET": _frozen,
    "APPEND": _appended,
    "APPENDS": lambda m, x: m.extend(m.marked()),
    "ADDITEMS": lambda m, x: m.extend(m.marked()),
    "SETITEM": _set_one,
    "SETITEMS": lambda m, x: m.update(m.marked()),
    "PUT": lambda m, x: m.put(x),
    "BINPUT": lambda m, x: m.put(x),
    "LONG_BINPUT": lambda m, x: m.put(x),
    "MEMOIZE": lambda m, x: m.put(len(m.memo)),
    "GET": lambda m, x: m.get(x),
    "BINGET": lambda m, x: m.get(x),
    "LONG_BINGET": lambda m, x: m.get(x),
    "GLOBAL": lambda m, x: m.name(x.replace(" ", ".")),
    "STACK_GLOBAL": _codes,
    "REDUCE": _made,
    "NEWOBJ": _made,
    "NEWOBJ_EX": _made_with,
    "BUILD": lambda m, x: m.build(m.pop()),
    "BINPERSID": lambda m, x: m.stack.append(m.words.persistent(m.pop())),
}
"""Opcodes by what they do; those of `CONSTANTS` put their argument on the stack."""

CONSTANTS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip


def text_as_bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """``_codecs.encode``, by which old protocols write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise ValueError("bytes are written as text of latin1")
    return text.encode(encoding)
