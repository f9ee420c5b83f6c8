"""Runs random programs in two worlds, and counts what is excused by name."""

from __future__ import annotations

import collections
import contextlib
import random
import re
import warnings

import tenure.torch as face
from tenure.errors import BorrowError
from tenure.torch.cells.aliasing import StaleWindowError, aliasing
from tests.torch.law.worlds import World, class_of, difference, printed, unequal_reads

REFUSED_THERE = {
    "modified by an inplace": "saved elements were written",
    "second time": "second backward",
    "view was created in no_grad": "write of a view made under no_grad",
    "is a view and": "write of one of several views",
    "is a view of a view which was created": "write of a view of such a view",
    "moved into the graph": "former leaf",
    "returned an invalid gradient": "gradient of another shape",
    "storage that is not resizable": "resize of an array's memory",
    "nested_tensorlist": "clipping of no gradients",
}
"""Refusals of PyTorch where the face may go on with the right gradient, and their names."""
STALE_LEAF = {"leaf Variable that requires grad is being used": "view that nobody asked for its grad_fn"}
"""Refusal of a view whose base was written in the graph, until somebody asks for the view's ``grad_fn``. Comparing
after each statement asks, and checks true leaves."""
ENDS = {
    "INTERNAL ASSERT": "defects of PyTorch", "setStorage": "defects of PyTorch",
    "grad hooks should return None": "refused by a hook in a backward",
    "to inference tensor outside": "write of an inference tensor, which PyTorch does before it refuses it",
}  # fmt: skip
"""Errors of PyTorch that leave its world in a state that means nothing: they end a program."""
ASIDE = {"data of a view": re.compile(r"(?:with torch.no_grad\(\): )?(.+?)\.data = ")}
"""Statements on views after which a program is not compared any more."""
REFUSED_HERE = {
    "depends on the order": "order of writes",
    "resize_ of a view": "another size for shared elements",
    "out= has another shape than the result": "another size for shared elements",
    "resize_ of": "another size for shared elements",
}  # fmt: skip
"""Refusals of the face for statements that are not defined in PyTorch, or that docs/torch.md has among the refused:
they are left out."""
NOT_AGAIN = {"a backward needs elements that were written": "silent write before a backward"}
"""Refusals of the face under PyTorch's aliasing too (docs/torch.md), which end a program."""


def kinds():
    """Generators of statements, by the name of the kind."""
    from tests.torch.law.models import Models
    from tests.torch.law.plain import Statements
    from tests.torch.law.wide import Wide

    return {"plain": Statements, "wide": Wide, "models": Models}


def stops(error: Exception | None) -> bool:
    """Whether the face stops where an alias would have decided."""
    return isinstance(error, StaleWindowError | BorrowError) or "read-only" in str(error)


def excuse(error: Exception | None, table: dict[str, str]) -> str | None:
    """Name of what excuses an error."""
    return next((name for text, name in table.items() if error is not None and text in str(error)), None)


def aside(a: World, q: str) -> str | None:
    """Name of what sets a program aside after a statement, if it does."""
    for name, pattern in ASIDE.items():
        found = pattern.match(q)
        x = a.tensors().get(found[1]) if found else None
        if x is not None and x._is_view():
            return name
    return None


def program(kind: str, seed: int, mode: str):
    """Run one random program: its statements, counts, and what differs."""
    import torch

    generator = kinds()[kind]
    a, r = World(torch, generator.prelude), random.Random(seed)
    statements = generator(r, a)
    return compared(a, (statements.next() for _ in range(r.randrange(10, 41))), generator.prelude, mode)


def compared(a: World, statements, prelude: str, mode: str):
    """Run statements in PyTorch's world and in a new one of the face: those run, counts, and what differs."""
    b, source, count = World(face, prelude), [], collections.Counter()
    known = REFUSED_THERE if mode == "pytorch" else REFUSED_THERE | STALE_LEAF
    with aliasing(mode):
        for q in statements:
            mine = b.do(q)
            left_out = excuse(mine, REFUSED_HERE)
            if left_out is not None:
                count[f"left out: {left_out}"] += 1
                continue
            source.append(q)
            if mode == "safe" and stops(mine):
                count["stopped"] += 1
                return source, count, None
            if (stopped := excuse(mine, NOT_AGAIN)) is not None:
                count[f"stopped: {stopped}"] += 1
                return source, count, None
            theirs = a.do(q)
            count["statements"] += 1
            ended = excuse(theirs, ENDS) or aside(a, q)
            if ended is not None:
                count[f"ended: {ended}"] += 1
                return source, count, None
            excused = excuse(theirs, known)
            if mine is None and excused is not None:
                count[f"goes on: {excused}"] += 1
                return source, count, None
            if class_of(theirs) != class_of(mine):
                return source, count, f"{class_of(theirs)} in PyTorch, {class_of(mine)} here: {theirs} | {mine}"
            if excuse(theirs, dict(list(REFUSED_THERE.items())[:2])):
                count["refused in a backward"] += 1
                return source, count, None
            found = printed(a, b, count)
            if found is None and mode == "pytorch":
                found = difference(a.tensors(), b.tensors())
            if found is not None:
                return source, count, found
        return source, count, unequal_reads(a.tensors(), b.tensors()) if mode == "safe" else None


def smallest(kind: str, source: list[str], found: str, mode: str) -> list[str]:
    """A program that differs in the same manner with as few statements as can be left out one by one."""
    import torch

    prelude, k = kinds()[kind].prelude, 0
    while k < len(source):
        less = [*source[:k], *source[k + 1 :]]
        try:
            again = compared(World(torch, prelude), iter(less), prelude, mode)
        except Exception:
            again = [], None, None
        if again[2] is not None and manner(again[2]) == manner(found):
            source, found, k = again[0], again[2], 0
        else:
            k += 1
    return source


def manner(found: str) -> str:
    """What a difference is of: classes of errors, flags or elements."""
    if " here: " in found:
        return found.split(" here: ")[0]
    return re.sub(r"[^a-z]+", " ", found.split(": ", 1)[-1])[:12]


@contextlib.contextmanager
def in_double():
    """Both libraries with float64 as the default, and no warnings."""
    import torch

    before, face_before, threads = torch.get_default_dtype(), face.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    face.set_default_dtype(face.float64)
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(before)
        face.set_default_dtype(face_before)
        torch.set_num_threads(threads)


def run(kind: str, seeds, mode: str, small: bool = False):
    """Run programs: counts, and those that differ, with ``small`` in their smallest form."""
    total, bad = collections.Counter(), []
    with in_double():
        for seed in seeds:
            source, count, found = program(kind, seed, mode)
            total += count
            total["programs"] += 1
            if found is not None:
                bad.append((seed, found, smallest(kind, source, found, mode) if small else source))
    return total, bad
