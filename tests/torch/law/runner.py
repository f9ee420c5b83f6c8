"""Runs random programs in two worlds, and counts what is excused by name."""

from __future__ import annotations

import collections
import random
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
}
"""Refusals of PyTorch where the face may go on with the right gradient, and their names."""
STALE_LEAF = {"leaf Variable that requires grad is being used": "view that nobody asked for its grad_fn"}
"""Refusal of a view whose base was written in the graph, until somebody asks for the view's ``grad_fn``. Comparing
after each statement asks, and checks true leaves."""
DEFECTS = ("INTERNAL ASSERT", "setStorage")
"""PyTorch's own defects: they end a program."""
REFUSED_HERE = {"depends on the order": "order of writes"}
"""Refusals of the face for statements whose meaning is not defined in PyTorch: they are left out."""


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


def program(kind: str, seed: int, mode: str):
    """Run one random program: its statements, counts, and what differs."""
    import torch

    generator = kinds()[kind]
    a, b = World(torch, generator.prelude), World(face, generator.prelude)
    statements, source, count = generator(random.Random(seed), a), [], collections.Counter()
    known = REFUSED_THERE if mode == "pytorch" else REFUSED_THERE | STALE_LEAF
    with aliasing(mode):
        for _ in range(statements.r.randrange(10, 41)):
            q = statements.next()
            mine = b.do(q)
            left_out = excuse(mine, REFUSED_HERE)
            if left_out is not None:
                count[f"left out: {left_out}"] += 1
                continue
            source.append(q)
            if mode == "safe" and stops(mine):
                count["stopped"] += 1
                return source, count, None
            theirs = a.do(q)
            count["statements"] += 1
            if theirs is not None and any(s in str(theirs) for s in DEFECTS):
                count["defects of PyTorch"] += 1
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


def run(kind: str, seeds, mode: str):
    """Run programs with float64 as the default: counts, and those that differ."""
    import torch

    before, face_before, threads = torch.get_default_dtype(), face.get_default_dtype(), torch.get_num_threads()
    total, bad = collections.Counter(), []
    torch.set_default_dtype(torch.float64)
    face.set_default_dtype(face.float64)
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for seed in seeds:
                source, count, found = program(kind, seed, mode)
                total += count
                total["programs"] += 1
                if found is not None:
                    bad.append((seed, found, source))
    finally:
        torch.set_default_dtype(before)
        face.set_default_dtype(face_before)
        torch.set_num_threads(threads)
    return total, bad
