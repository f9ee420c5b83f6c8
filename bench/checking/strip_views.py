"""Copies of tensors and arrays (and of containers, under a name) that later in-place writes make necessary."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from checking.syntax import Function, is_path, root, text_of, writes

__all__ = ["view_copies"]

METADATA = {
    "shape",
    "dtype",
    "device",
    "ndim",
    "size",
    "layout",
    "is_cuda",
    "requires_grad",
    "dim",
    "numel",
    "itemsize",
}
NUMPY = {"np", "numpy"}


@dataclass(frozen=True)
class Copy:
    """A copy: the whole expression, what it copies, the path of that, and the path that it is kept under."""

    node: ast.expr
    inner: ast.expr
    source: str
    kept: str
    appended: bool = False

    @property
    def family(self) -> str:
        """ "view" if a part or a view is copied, "alias" if a whole object is."""
        return "alias" if is_path(self.inner) and not isinstance(self.inner, ast.Subscript) else "view"


def view_copies(function: Function) -> Iterator[tuple[str, ast.expr, ast.expr]]:
    """Family, copy and what it copies, of each copy in a function that a write there makes necessary."""
    copies = [copy for node in function.nodes for copy in _kept(node)]
    if not copies:
        return
    events = _Events(function)
    for copy in copies:
        if events.needs(copy):
            yield copy.family, copy.node, copy.inner


def _kept(node: ast.AST) -> Iterator[Copy]:
    """The copies that a statement puts under a path, or appends to a container."""
    match node:
        case ast.Assign(targets=[target], value=value):
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
                pairs = list(zip(target.elts, value.elts, strict=True))
            for one, copy in pairs:
                if (inner := _copied(copy)) is not None and text_of(root(one)):
                    yield Copy(copy, inner, text_of(root(inner)), text_of(root(one)), isinstance(one, ast.Subscript))
        case ast.Call(func=ast.Attribute(value=receiver, attr="append"), args=[value]):
            if (inner := _copied(value)) is not None and text_of(receiver):
                yield Copy(value, inner, text_of(root(inner)), text_of(receiver), appended=True)


def _copied(node: ast.expr) -> ast.expr | None:
    """What `x.clone()`, `x.copy()`, `np.array(x)`, `np.copy(x)`, `copy.copy(x)` copies, made for no order of memory."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr="array" | "copy"), args=[inner], keywords=[]):
            if module not in NUMPY and module != "copy":
                return None
        case ast.Call(func=ast.Attribute(value=inner, attr="clone" | "copy"), args=[], keywords=[]):
            pass
        case _:
            return None
    return inner if text_of(root(inner)) and not _reversed(inner) else None


def _reversed(node: ast.expr) -> bool:
    """Whether a slice has a negative step: such copies are made for libraries that cannot have one."""
    steps = [n.step for n in ast.walk(node) if isinstance(n, ast.Slice) and n.step is not None]
    return any(isinstance(step, ast.UnaryOp) for step in steps)


class _Events:
    """Where a function writes in place, rebinds and reads which paths, by line and loop."""

    def __init__(self, function: Function) -> None:
        self.written: dict[str, list[ast.AST]] = {}
        self.bound: dict[str, list[ast.AST]] = {}
        self.read: dict[str, list[ast.AST]] = {}
        self.loops = function.loops
        metadata: set[ast.AST] = set()
        for node in function.nodes:
            for place in writes(node):
                self.written.setdefault(text_of(place), []).append(place)
                metadata.add(place)
            match node:
                case ast.Attribute(value=value, attr=attr) if attr in METADATA:
                    metadata.add(value)
                case ast.Call(func=ast.Name(id="len"), args=[value]):
                    metadata.add(value)
        for node in function.nodes:
            if isinstance(node, ast.Name | ast.Attribute) and (path := text_of(node)):
                store = isinstance(node.ctx, ast.Store)
                if store or node not in metadata:
                    (self.bound if store else self.read).setdefault(path, []).append(node)

    def needs(self, copy: Copy) -> bool:
        """Whether, after the copy, one of the two is written in place and the other read later."""
        if not copy.source or copy.source == copy.kept:
            return False
        if any(self._seen(copy, write, copy.kept) for write in self.written.get(copy.source, [])):
            return True
        if copy.appended:
            return False
        return any(self._seen(copy, write, copy.source) for write in self.written.get(copy.kept, []))

    def _seen(self, copy: Copy, write: ast.AST, other: str) -> bool:
        """Whether `write` comes after the copy and `other` is read after it, both as they were at the copy."""
        written = copy.source if other == copy.kept else copy.kept
        if not self._follows(copy.node, write) or self._rebound(written, copy.node, write):
            return False
        return any(
            self._follows(write, read, outside=None if copy.appended else copy.node)
            and not self._rebound(other, copy.node, read)
            for read in self.read.get(other, [])
        )

    def _follows(self, first: ast.AST, second: ast.AST, outside: ast.AST | None = None) -> bool:
        """Whether `second` can come after `first`: further down, or in a loop with it (that leaves `outside` out)."""
        if (second.lineno, second.col_offset) > (first.end_lineno, first.end_col_offset):
            return True
        if outside is None:
            return False
        return any(_in(loop, first) and _in(loop, second) and not _in(loop, outside) for loop in self.loops)

    def _rebound(self, path: str, first: ast.AST, second: ast.AST) -> bool:
        """Whether the path, or what it hangs on, is assigned between the two lines."""
        parts = path.split(".")
        prefixes = [".".join(parts[: i + 1]) for i in range(len(parts))]
        lines = [node.lineno for prefix in prefixes for node in self.bound.get(prefix, [])]
        return any(first.lineno < line < second.lineno for line in lines)


def _in(loop: ast.AST, node: ast.AST) -> bool:
    return loop.lineno <= node.lineno <= (loop.end_lineno or loop.lineno)
