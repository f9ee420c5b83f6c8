"""Random programs over views, windows, in-place writes, detach, .data, NumPy loans and backward, run by PyTorch and by
the face statement by statement.

    python -m tests.torch.alias_programs 0 500            aliasing("pytorch"): equal after every statement
    python -m tests.torch.alias_programs 0 500 --safe     what is printed is equal, or the face stops
"""

from __future__ import annotations

import collections
import random
import sys
import warnings

import numpy as np

import tenure.torch as face
from tenure.errors import BorrowError
from tenure.torch.cells import Tensor
from tenure.torch.cells.aliasing import StaleWindowError, aliasing
from tenure.torch.cells.windows import present
from tenure.values.operations.boundary import array_of

CLASSES = (IndexError, TypeError, RuntimeError, AttributeError, NotImplementedError, ZeroDivisionError)
REFUSED = (
    "modified by an inplace", "second time", "view was created in no_grad", "is a view and", "moved into the graph",
    "returned an invalid gradient", "storage that is not resizable", "is a view of a view which was created",
)  # fmt: skip
"""Refusals of PyTorch where the face may go on with the right gradient."""
STALE_LEAF = "leaf Variable that requires grad is being used"
"""Refusal of a view whose base was written in the graph, until somebody asks for the view's ``grad_fn``. Comparing
after each statement asks, and checks true leaves."""
DEFECTS = ("INTERNAL ASSERT", "setStorage")


def class_of(error: Exception | None) -> str | None:
    """Name of the class of an error, as PyTorch has it."""
    if error is None:
        return None
    if isinstance(error, ValueError) and not isinstance(error, CLASSES):
        return "RuntimeError"
    return next((c.__name__ for c in CLASSES if isinstance(error, c)), type(error).__name__)


def attempt(function):
    try:
        return function()
    except Exception as error:
        return class_of(error)


def array(v):
    return array_of(present(v)) if isinstance(v, Tensor) else v.detach().numpy()


def close(a, b) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype.kind != "f":
        return bool((a == b).all())
    r, t = (1e-5, 1e-5) if a.dtype.itemsize == 4 else (1e-8, 1e-9)
    with np.errstate(all="ignore"):
        return bool((np.isclose(a, b, rtol=r, atol=t, equal_nan=True) | ~(np.abs(a) < 1e12)).all())


class World:
    """Names of a program, and what it printed."""

    def __init__(self, library) -> None:
        self.out: list = []
        self.names = {"torch": library, "L": [], "print": lambda *a: self.out.append(a)}

    def do(self, source: str) -> Exception | None:
        try:
            exec(source, self.names)
        except Exception as error:
            return error
        finally:
            self.names.pop("q_", None)
        return None

    def tensors(self, kinds) -> dict:
        found = {k: v for k, v in self.names.items() if isinstance(v, kinds)}
        return found | {f"L[{i}]": v for i, v in enumerate(self.names["L"]) if isinstance(v, kinds)}


def described(v) -> tuple:
    strides = tuple([a for a, n in zip(v.stride(), v.shape, strict=True) if n > 1]) if v.numel() else ()
    leaf, plain = attempt(lambda: v.is_leaf), attempt(lambda: v.grad_fn is None)
    return tuple(v.shape), v.requires_grad, leaf, strides, v.grad is None, plain


def difference(a: dict, b: dict) -> str | None:
    """What differs between the tensors of two worlds."""
    if a.keys() != b.keys():
        return f"names {a.keys() ^ b.keys()}"
    seen = set()
    for k, x in a.items():
        y = b[k]
        if (id(x), id(y)) in seen:
            continue
        seen.add((id(x), id(y)))
        one, other = described(x), described(y)
        if "RuntimeError" in one:
            continue  # a view that PyTorch refuses to look at
        if one != other:
            return f"{k}: {one} in PyTorch, {other} here"
        if not close(array(x), array(y)):
            return f"{k}: {array(x).tolist()} in PyTorch, {array(y).tolist()} here"
        if x.grad is not None and not close(array(x.grad), array(y.grad)):
            return f"{k}.grad: {array(x.grad).tolist()} in PyTorch, {array(y.grad).tolist()} here"
    return difference_of_names(a, b)


def difference_of_names(a: dict, b: dict) -> str | None:
    """What differs in which names, and gradients, are of one object."""
    ours, theirs = ({k: id(v) for k, v in names.items()} for names in (a, b))
    mine, other = ({k: id(v.grad) for k, v in names.items()} for names in (a, b))
    for k in a:
        for q in a:
            if (ours[k] == ours[q]) != (theirs[k] == theirs[q]):
                return f"identity of {k} and {q}"
            if (ours[k] == mine[q]) != (theirs[k] == other[q]):
                return f"identity of {q}.grad and {k}"
    return None


def printed(a: World, b: World) -> str | None:
    """What differs between what two worlds have printed."""
    if len(a.out) != len(b.out):
        return "prints"
    for p, q in zip(a.out, b.out, strict=True):
        x, y = [v.astype("f4") if v.dtype.kind == "f" else v for v in (np.asarray(p[0]), np.asarray(q[0]))]
        if not close(x, y):
            return f"printed {p} in PyTorch, {q} here"
    a.out.clear()
    b.out.clear()
    return None


def stops(error: Exception | None) -> bool:
    """Whether the face stops where an alias would have decided."""
    return isinstance(error, StaleWindowError | BorrowError) or "read-only" in str(error)


def program(seed: int, mode: str):
    """Run one random program: its statements, counts, and what differs."""
    import torch

    from tests.torch.alias_statements import Statements

    a, b, count = World(torch), World(face), collections.Counter()
    statements, source = Statements(random.Random(seed), a), []
    with aliasing(mode):
        for _ in range(statements.r.randrange(10, 41)):
            q = statements.next()
            mine = b.do(q)
            if "depends on the order" in str(mine):
                count["undefined"] += 1
                continue
            source.append(q)
            if mode == "safe" and stops(mine):
                count["stopped"] += 1
                break
            theirs = a.do(q)
            count["statements"] += 1
            text = str(theirs)
            if theirs is not None and any(s in text for s in DEFECTS):
                break
            known = REFUSED if mode == "pytorch" else (*REFUSED, STALE_LEAF)
            if theirs is not None and mine is None and any(s in text for s in known):
                count["goes on"] += 1
                break
            if class_of(theirs) != class_of(mine):
                return source, count, f"{class_of(theirs)} in PyTorch, {class_of(mine)} here: {theirs} | {mine}"
            if theirs is not None and any(s in text for s in REFUSED[:2]):
                break
            found = printed(a, b)
            if found is None and mode == "pytorch":
                found = difference(a.tensors(torch.Tensor), b.tensors(Tensor))
            if found is not None:
                return source, count, found
    return source, count, None


def run(seeds, mode: str, show: bool = False):
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
                source, count, found = program(seed, mode)
                total += count
                total["programs"] += 1
                if found is not None:
                    bad.append((seed, found, source))
                    if show:
                        print(f"seed {seed}: {found[:300]}", *source[-5:], sep="\n    ")
    finally:
        torch.set_default_dtype(before)
        face.set_default_dtype(face_before)
        torch.set_num_threads(threads)
    return total, bad


if __name__ == "__main__":
    first, number = int(sys.argv[1]), int(sys.argv[2])
    counts, differing = run(range(first, first + number), "safe" if "--safe" in sys.argv else "pytorch", show=True)
    print(dict(counts), len(differing), "differ:", [seed for seed, *_ in differing])
