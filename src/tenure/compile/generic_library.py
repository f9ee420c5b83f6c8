"""Library of generic functions: compiled together where several are missing, found one by one afterwards.

A process has each function once, by its key. On disk, a note says of each which module holds it, under which name.
Code is generated at level 0 first (``refine``), but for routines, as one call of these may take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile import refine
from tenure.compile.jit import Engine, Library, exclusive
from tenure.compile.late import late
from tenure.compile.linked import linked
from tenure.compile.routines import EMITTERS
from tenure.runtime.cache import digest

__all__ = ["FUNCTIONS", "Function", "function", "provide"]

MOST = 32
"""Functions of a module: compiling takes more than linear time beyond some thousand instructions."""
Emit = Callable[[Any, str], None]


class Function:
    """A function ``i64 f(ptr buffers, ptr numbers)`` that ``emit(module, name)`` defines; its address is 0 until it is
    provided. It may call BLAS or LAPACK if it is a ``product``."""

    __slots__ = ("address", "emit", "key", "library", "product")

    def __init__(self, key: str, emit: Emit, product: bool) -> None:
        self.key, self.emit, self.product = key, emit, product
        self.address = 0
        self.library: Library | None = None

    def __repr__(self) -> str:
        return self.key


FUNCTIONS: dict[str, Function] = {}
"""The functions that this process knows, by key."""


def function(key: str, emit: Emit, product: bool = False) -> Function:
    """The function of a key."""
    found = FUNCTIONS.get(key)
    return FUNCTIONS.setdefault(key, Function(key, emit, product)) if found is None else found


def provide(wanted: Sequence[Function]) -> None:
    """Give functions their addresses: from disk, else compiled, several in a module."""
    groups: dict[tuple[bool, bool], list[Function]] = {}
    for f in dict.fromkeys(wanted):
        if not f.address:
            groups.setdefault((f.product, f.key in EMITTERS), []).append(f)
    for (_, routines), missing in sorted(groups.items()):
        found = linked()
        with exclusive():
            missing = [f for f in missing if not f.address and not _revived(found, f)]
            for k in range(0, len(missing), MOST):
                _compile(found, missing[k : k + MOST], refine.applies() and not routines)


def _compile(found: Engine, functions: list[Function], quick: bool) -> None:
    """Compile functions as one module, and note where they are."""
    module = digest(*[f.key.encode() for f in functions]).hex()

    def text() -> str:
        return str(late("generic_kernels").joined([f.emit for f in functions]))

    if quick:
        library = refine.quick(found, module, len(functions), text())
    else:
        library = found.load(text, key=refine.key_of(module))
    for k, f in enumerate(functions):
        found.note(f"generic {f.key}", f"{k} {module}")
        _take(f, library, k)


def _revived(found: Engine, f: Function) -> bool:
    """Take a function from the module that the disk cache holds it in, if it does."""
    known = found.noted(f"generic {f.key}")
    if known is None:
        return False
    k, module = known.split()
    library = found.found(found.name(refine.key_of(module))) or refine.revived(found, module)
    if library is not None:
        _take(f, library, int(k))
    return library is not None


def _take(f: Function, library: Library, k: int) -> None:
    f.library = library
    f.address = refine.address_of(library, k)
