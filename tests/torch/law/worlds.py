"""Two worlds, PyTorch's and the face's, in which a program runs, and what differs between them."""

from __future__ import annotations

import collections
import re
from contextlib import suppress

import numpy as np

from tenure.torch.cells import Tensor as Face
from tenure.torch.cells.windows import look, present
from tenure.values.operations.boundary import array_of

PLAIN = (bool, int, float, complex, str, list, np.ndarray, np.generic)
CLASSES = (IndexError, TypeError, RuntimeError, AttributeError, NotImplementedError, ZeroDivisionError)


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


def array(v, read=present):
    """Elements of a tensor of either library."""
    return array_of(read(v)) if isinstance(v, Face) else v.detach().resolve_conj().resolve_neg().numpy()


def close(a, b) -> bool:
    if isinstance(b, str) or a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype == np.int64 and (np.abs(a) > 1 << 51).any():  # the bits of floats
        a, b = a.view("f8"), b.view("f8")
    if a.dtype.kind not in "fc":
        return bool((a == b).all())
    r, t = (1e-5, 1e-5) if a.dtype.itemsize == 4 else (1e-8, 1e-9)
    with np.errstate(all="ignore"):
        return bool((np.isclose(a, b, rtol=r, atol=t, equal_nan=True) | ~(np.abs(a) < 1e12)).all())


class World:
    """Names of a program, and what it printed."""

    def __init__(self, library, prelude: str = "") -> None:
        self.out: list = []
        self.kind = library.Tensor
        self.names = {"torch": library, "L": [], "print": self.print, "__name__": "law"}
        exec(prelude, self.names)

    def print(self, *given) -> None:
        """Keep what would be printed: of a tensor its text."""
        self.out.append(tuple([v if isinstance(v, PLAIN) else repr(v) for v in given]))

    def do(self, source: str) -> Exception | None:
        try:
            exec(source, self.names)
        except Exception as error:
            return error
        finally:
            self.names.pop("q_", None)
        return None

    def tensors(self) -> dict:
        """The tensors that names lead to, by the expressions that give them."""
        found = {}
        for name, v in list(self.names.items()):
            if name == "torch" or name.startswith("_"):
                continue
            collect(name, v, self, found)
        return found


def collect(path: str, v, world: World, found: dict) -> None:
    """Add the tensors behind a value."""
    torch = world.names["torch"]
    if isinstance(v, world.kind):
        found[path] = v
    elif type(v) in (list, tuple):
        for k, item in enumerate(v):
            collect(f"{path}[{k}]", item, world, found)
    elif isinstance(v, dict):
        for k, item in v.items():
            if isinstance(k, str | int) and k != "step":  # a number here, until it is saved
                collect(f"{path}[{k!r}]", item, world, found)
    elif isinstance(v, torch.nn.Module):
        for kind, named in ("parameter", v.named_parameters), ("buffer", v.named_buffers):
            for k, item in named(remove_duplicate=False):
                found[f"{path}.get_{kind}({k!r})"] = item
    elif isinstance(v, torch.optim.Optimizer):
        for g, group in enumerate(v.param_groups):
            for k, p in enumerate(group["params"]):
                at = f"{path}.param_groups[{g}]['params'][{k}]"
                found[at] = p
                collect(f"{path}.state[{at}]", dict(v.state.get(p, {})), world, found)


def described(v) -> tuple:
    strides = tuple([a for a, n in zip(v.stride(), v.shape, strict=True) if n > 1]) if v.numel() else ()
    leaf, plain = attempt(lambda: v.is_leaf), attempt(lambda: v.grad_fn is None)
    return tuple(v.shape), v.requires_grad, leaf, strides, v.grad is None, plain, type(v).__name__


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
        for u, v, of in (x, y, ""), (x.grad, y.grad, ".grad"):
            if u is not None and not close(array(u), mine := attempt(lambda v=v: array(v))):
                return f"{k}{of}: {array(u).tolist()} in PyTorch, {getattr(mine, 'tolist', lambda m=mine: m)()} here"
    return difference_of_names(a, b)


def difference_of_names(a: dict, b: dict) -> str | None:
    """What differs in which names, and gradients, are of one object."""
    for which, of in ("", lambda v: v), (".grad", lambda v: v.grad):
        first, other = {}, {}
        for k in a:
            x, y = of(a[k]), of(b[k])
            if x is None:
                continue
            p, q = first.setdefault(id(x), k), other.setdefault(id(y), k)
            if p != q:
                return f"identity of {k}{which}: that of {p}{which} in PyTorch, of {q}{which} here"
    ours, theirs = ({id(v): k for k, v in names.items()} for names in (a, b))
    for k in a:
        p, q = ours.get(id(a[k].grad)), theirs.get(id(b[k].grad))
        if p != q and a[k].grad is not None and (p is None or q is None or a[p] is not a[q]):
            return f"identity of {k}.grad: {p} in PyTorch, {q} here"
    return None


def unequal_reads(a: dict, b: dict) -> str | None:
    """What differs between tensors of two worlds that the face lets be read."""
    if a.keys() != b.keys():
        return f"names {a.keys() ^ b.keys()}"
    for k, x in a.items():
        y = b[k]
        if isinstance(attempt(lambda y=y: y.requires_grad), str):
            continue  # a stop
        if x.requires_grad != y.requires_grad or x.shape != y.shape:
            return f"{k}: {x.requires_grad}, {tuple(x.shape)} in PyTorch, {y.requires_grad}, {tuple(y.shape)} here"
        for u, v, of in (x, y, ""), (x.grad, y.grad, ".grad"):
            if (u is None) != (v is None):
                return f"{k}{of} is None"
            if u is not None:
                with suppress(Exception):
                    mine = array(v, look)
                    if not close(array(u), mine):
                        return f"{k}{of}: {array(u).tolist()} in PyTorch, {mine.tolist()} here"
    return None


def printed(a: World, b: World, excused: collections.Counter) -> str | None:
    """What differs between what two worlds have printed."""
    if len(a.out) != len(b.out):
        return "prints"
    for p, q in zip(a.out, b.out, strict=True):
        if len(p) != len(q) or not all(alike(x, y, excused) for x, y in zip(p, q, strict=True)):
            return f"printed {p} in PyTorch, {q} here"
    a.out.clear()
    b.out.clear()
    return None


NODE = re.compile(r"grad_fn=<[A-Za-z0-9]+>")
ZERO = re.compile(r"-(0\.?0*(e[+-]?\d+)?)(?![\d.])")


def alike(x, y, excused: collections.Counter) -> bool:
    """Whether two libraries printed the same: texts but for the excused, numbers close."""
    if isinstance(x, str) and isinstance(y, str):
        if x == y:
            return True
        for name, pattern, plain in ("name of a node", NODE, "node"), ("sign of zero", ZERO, r"\1"):
            x, y = pattern.sub(plain, x), pattern.sub(plain, y)
            if " ".join(x.split()) == " ".join(y.split()):
                excused[name] += 1
                return True
        return False
    if isinstance(x, list) and isinstance(y, list) and any(not isinstance(v, int | float) for v in (*x, *y)):
        return len(x) == len(y) and all(alike(p, q, excused) for p, q in zip(x, y, strict=True))
    if x is None or y is None:
        return x is y
    x, y = [v.astype(v.dtype.kind + "4") if v.dtype.kind == "f" else v for v in (np.asarray(x), np.asarray(y))]
    return close(x, y)
