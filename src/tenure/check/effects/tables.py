"""What is known about library calls: look-ups in the tables of `data/`, read when first asked for.

A role says what an `Effect` cannot, by one word:

    backward           accumulates into the gradients of the leaves, reads what was saved, consumes the graph
    step, zero-grad    an optimizer writes its parameters; gradients are dropped or zeroed
    no-grad            a context (or decorator) in which nothing is recorded
    recompute          the function given is run again during backward (checkpointing)
    hook               the function given is called later, with tensors
    escape             an argument is read later by another thread, process or device
    borrow, borrow-mut, move        Tenure's own
    deep-copy          nothing of the result is shared
    enumerate, zip, keys, values, items, map       iterations whose items are tuples or results of calls
"""

from functools import cache
from pathlib import Path

from tenure.check.effects.effect import Effect, Kind
from tenure.check.effects.notation import parse, sections

__all__ = ["attribute", "class_kind", "function", "method"]

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


def function(qualname: str) -> Effect | None:
    """What a call of this function or class does: "torch.add", "numpy.asarray", "list", "copy.deepcopy"."""
    module, _, name = qualname.removeprefix("builtins.").rpartition(".")
    library = _library(module)
    entry = _sections(library).get(("functions", module or "builtins"), {}).get(name)
    if entry is not None:
        return parse(entry, False)
    kind = class_kind(module) if module else None
    return None if kind is None else method(kind, name)


def method(kind: Kind, name: str) -> Effect | None:
    """What calling this method on such a value does; operators by their special names, such as "__iadd__"."""
    entry = _sections(_OF_KIND.get(kind, "python")).get(("methods", kind), {}).get(name)
    return None if entry is None else parse(entry, True)


def attribute(kind: Kind, name: str) -> Effect | None:
    """What reading this attribute of such a value gives."""
    entry = _sections(_OF_KIND.get(kind, "python")).get(("attributes", kind), {}).get(name)
    return None if entry is None else parse(entry, True)


def class_kind(qualname: str) -> Kind | None:
    """What an instance of this class is, as for an annotation or a base class: "torch.Tensor", "list"."""
    module, _, name = qualname.removeprefix("builtins.").rpartition(".")
    entry = _sections(_library(module)).get(("classes", module or "builtins"), {}).get(name)
    return None if entry is None else parse(entry, False).kind  # type: ignore[return-value]


def _library(module: str) -> str:
    first = module.partition(".")[0]
    return first if first in _LIBRARIES else "python"


@cache
def _sections(library: str) -> dict[tuple[str, str], dict[str, str]]:
    return sections((_DATA / f"{library}.effects").read_text(encoding="utf-8"))
