"""Look-ups in the tables of library calls in `data/`, read when first asked for.

A role is one word for a meaning that an `Effect` cannot state:

    backward           accumulates into the gradients of the leaves, reads the saved values, consumes the graph
    step, zero-grad    an optimizer writes its parameters; gradients are dropped or zeroed
    no-grad            a context (or decorator) in which nothing is recorded
    async, lazy        the result is computed later, from the contents of the arguments then; `await` waits for it
    jit                the result is the given function, compiled; it may take arguments over (donate)
    in-place-module    a module whose call writes its input and returns it
    recompute          the function given is run again during backward (checkpointing)
    hook               the function given is called later, with tensors
    escape             an argument is read later by another thread, process or device
    borrow, borrow-mut, move        Tenure's own
    rewind             an iterator starts anew: a file after `seek`
    draw               a number where no size is given and the parameters are numbers
    deep-copy          nothing of the result is shared
    enumerate, zip, keys, values, items            iterations whose items are tuples or parts of such
    product, arrangements                          iterations that take all items of the arguments when they are made
    computed           an iteration that computes each item on demand
    walk               an iteration over folders: a name, and the lists of the folders and files in it (`os.walk`)
"""

import re
from functools import cache
from pathlib import Path

from tenure.check.effects.effect import Effect, Kind
from tenure.check.effects.notation import parse, sections

__all__ = [
    "argument_writers",
    "attribute",
    "class_kind",
    "function",
    "functional",
    "lenders",
    "method",
    "works_in_place",
    "writers",
]

_SHARED = re.compile(r"\b(view|maybe-view|alias|element|iteration|captures)\b|role (async|lazy|jit)")
_VERB = re.compile(r"\b(writes|resizes) self\b")
_ARGUMENT = re.compile(r"^ ?\((\w+)[^|]*\b(writes|resizes|rebinds) \1\b")

_DATA = Path(__file__).with_name("data")
_OF_KIND: dict[str, str] = {
    "tensor": "torch",
    "module": "torch",
    "optimizer": "torch",
    "ndarray": "numpy",
    "rng": "numpy",
    "value": "tenure",
    "var": "tenure",
    "borrow": "tenure",
    "tenure-module": "tenure",
    "tenure-optimizer": "tenure",
    "jax": "jax",
    "mlx": "mlx",
    "tinygrad": "tinygrad",
}
_LIBRARIES = ("torch", "numpy", "tenure", "jax", "mlx", "tinygrad", "autograd")


@cache
def function(qualname: str) -> Effect | None:
    """The effect of calling this function or class: "torch.add", "numpy.asarray", "list", "copy.deepcopy"."""
    module, _, name = _canonical(qualname).rpartition(".")
    entry = _entry(_library(module), "functions", module or "builtins", name)
    if entry is not None:
        return parse(entry, False)
    kind = class_kind(module) if module else None
    return None if kind is None else method(kind, name)


@cache
def method(kind: Kind, name: str) -> Effect | None:
    """The effect of calling this method on such a value; operators by their special names, such as "__iadd__"."""
    entry = _entry(_OF_KIND.get(kind, "python"), "methods", kind, name)
    return None if entry is None else parse(entry, True)


@cache
def attribute(kind: Kind, name: str) -> Effect | None:
    """The effect of reading this attribute of such a value."""
    entry = _entry(_OF_KIND.get(kind, "python"), "attributes", kind, name)
    return None if entry is None else parse(entry, True)


@cache
def class_kind(qualname: str) -> Kind | None:
    """The kind of an instance of this class, as for an annotation or a base class: "torch.Tensor", "list"."""
    module, _, name = _canonical(qualname).rpartition(".")
    entry = _entry(_library(module), "classes", module or "builtins", name)
    return None if entry is None else parse(entry, False).kind  # type: ignore[return-value]


@cache
def functional(qualname: str) -> str | None:
    """The function that a module of PyTorch calls: "torch.nn.ReLU" calls "torch.nn.functional.relu"."""
    module, _, name = qualname.rpartition(".")
    if not module.startswith("torch.nn"):
        return None
    known = {one.replace("_", ""): one for one in _sections("torch")["functions", "torch.nn.functional"]}
    flat = name.lower()
    found = known.get(flat) or known.get(flat.rstrip("123d")) or known.get(flat.removesuffix("loss"))
    return None if found is None else f"torch.nn.functional.{found}"


@cache
def works_in_place(qualname: str) -> int | None:
    """The position of a class's argument `inplace`, where it has one."""
    effect = function(qualname)
    return effect.parameters.index("inplace") if effect is not None and "inplace" in effect.parameters else None


def _canonical(qualname: str) -> str:
    return qualname.removeprefix("builtins.").removeprefix("autograd." if "autograd.numpy" in qualname else "")


def _entry(library: str, what: str, of: str, name: str) -> str | None:
    """A name's entry, or that of `*_` (names that write, by their underscore) or `*` (any other name)."""
    entries = _sections(library).get((what, of))
    if entries is None:
        return None
    if name in entries or name.startswith("_"):
        return entries.get(name)
    return entries.get("*_" if name.endswith("_") and "*_" in entries else "*")


def _library(module: str) -> str:
    first = module.partition(".")[0]
    return first if first in _LIBRARIES else "python"


@cache
def _sections(library: str) -> dict[tuple[str, str], dict[str, str]]:
    """The entries of a library; those written by hand stand instead of generated ones."""
    generated = _DATA / f"{library}_schemas.effects"
    out = sections(generated.read_text(encoding="utf-8")) if generated.exists() else {}
    for section, entries in sections((_DATA / f"{library}.effects").read_text(encoding="utf-8")).items():
        out.setdefault(section, {}).update(entries)
    return out


@cache
def writers() -> frozenset[str]:
    """The names of all methods that some kind of value has and that write to it or change its length."""
    return frozenset(name for name in _names(_VERB, ("methods",)) if not name.startswith("__"))


@cache
def argument_writers() -> frozenset[str]:
    """The names of all functions that write to their first argument."""
    return frozenset(name for name in _names(_ARGUMENT, ("functions",)) if name != "next")


@cache
def lenders() -> frozenset[str]:
    """The names of all methods and functions whose result shares something with an argument."""
    return _names(_SHARED, ("methods", "functions"))


def _names(form: re.Pattern[str], sort: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for library in ("python", *_LIBRARIES):
        for (what, _), entries in _sections(library).items():
            if what in sort:
                found |= {name for name, entry in entries.items() if form.search(entry)}
    return frozenset(found)
