"""The form of the tables' entries: the effects of a call on its arguments, and its result.

`method("ndarray", "sort")` and `function("torch.add")` in `effects.tables` look entries up; None means that
nothing is known, and nothing is then assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["CONTAINERS", "HOLDING", "MUTABLE", "OBJECTS", "TENSORS", "Effect", "Kind", "Relation"]

Kind = Literal[
    "tensor",  # PyTorch's, nn.Parameter included
    "module",
    "optimizer",
    "ndarray",
    "rng",  # a numpy.random.Generator or RandomState
    "value",  # Tenure's Tensor
    "var",  # Tenure's place, nn.Parameter included
    "borrow",  # .data, .grad and borrow_mut() of a place
    "tenure-module",
    "tenure-optimizer",
    "jax",
    "mlx",
    "tinygrad",
    "list",
    "dict",
    "set",
    "deque",
    "bytearray",
    "array",  # array.array
    "memoryview",
    "tuple",
    "iterator",
    "scalar",  # numbers, strings, None, shapes, dtypes: nothing that can be written
    "unknown",
]
"""Kinds of values. "same" in an Effect's `kind` is the kind of the related argument."""

TENSORS: frozenset[Kind] = frozenset(("tensor", "ndarray", "value", "var", "borrow", "jax", "mlx", "tinygrad"))
"""The kinds that hold numbers in a shape."""

CONTAINERS: frozenset[Kind] = frozenset(("list", "dict", "set", "deque", "bytearray", "array"))
"""The mutable containers of the standard library."""

HOLDING: frozenset[Kind] = CONTAINERS | {"tuple"}
"""Kinds of containers."""

OBJECTS: frozenset[str] = frozenset(("instance", "module", "tenure-module", "optimizer", "tenure-optimizer"))
"""Kinds of objects whose attributes are names like others ("instance": of a class of the tree)."""

MUTABLE: frozenset[Kind] = TENSORS | CONTAINERS
"""Kinds that can be written."""

Relation = Literal["owned", "alias", "element", "view", "maybe-view", "iteration", "saved", "unknown"]
"""Relations of a result to the arguments in `of`: new, the same object, an element of a container, shared memory,
perhaps shared memory, an iteration over it, kept for the backward pass, or not known."""


@dataclass(frozen=True, slots=True)
class Effect:
    """The effects of one call.

    An argument is named by position ("0" is self of a method; "1+" that one and all later positional ones) or,
    where it is given by keyword only, by keyword ("out"); "[]" behind it means its items, ".grad" its attribute:
    "0[].grad". `parameters` names the positions, as far as they may be given by keyword.

    `result`/`of`: the relation of the result to arguments; `kind`: its kind ("same": as the argument).
    `items`: the result is a new container (or iterator), and this is how its *items* relate to `of`;
    `item_kind`: their kind. `out`, if it is given, is the result.
    `writes`: arguments whose elements change; `rebinds`: whose storage is exchanged (`set_`, `.data =`);
    `resizes`: whose length changes (ends iterations); `moves`: that are dead afterwards; `captures`: that the
    first argument (of a method) or the result (of a function) keeps a reference to; `reads`: False for metadata
    only (shape, dtype). `saves`: arguments, or "result", kept for the backward pass when something requires grad.
    `role`: a word by which rules know calls that mean more than this; the words are listed in `effects.tables`.
    `variants`: the effect instead where an argument is that constant: (argument, constant, effect).
    """

    result: Relation = "owned"
    of: tuple[str, ...] = ()
    kind: Kind | Literal["same"] = "unknown"
    items: Relation | None = None
    item_kind: Kind | Literal["same"] = "unknown"
    out: str | None = None
    writes: tuple[str, ...] = ()
    rebinds: tuple[str, ...] = ()
    resizes: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    reads: bool = True
    role: str = ""
    parameters: tuple[str, ...] = ()
    variants: "tuple[tuple[str, object, Effect], ...]" = ()

    def given(self, constants: Mapping[str, object]) -> "Effect":
        """The effect where the arguments named in `constants` (by "1" or "inplace") are those constants."""
        for name, value, effect in self.variants:
            if name in constants and constants[name] == value:
                return effect
        return self
