"""The form in which the tables say what a call does: to which arguments, and what it gives back.

`method("ndarray", "sort")` and `function("torch.add")` in `effects.tables` look entries up; None means that
nothing is known, and nothing is then assumed.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Effect", "Kind", "Relation"]

Kind = Literal[
    "tensor", "var", "ndarray", "list", "dict", "set", "module", "optimizer", "iterator", "scalar", "unknown"
]
"""What a value is known to be. "same" in an Effect's `kind` is the kind of what it is related to."""

Relation = Literal["owned", "alias", "element", "view", "maybe-view", "iteration", "saved", "unknown"]
"""How a result relates to the arguments in `of`: new, the very object, an element of a container, shared memory,
perhaps shared memory, an iteration over it, kept for the backward pass, or not known."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one call does. Arguments are named by position ("0" is self of a method) or by keyword ("out").

    `result`/`of`: how the result relates to which arguments; `kind`: what it is ("same": as the argument).
    `writes`: arguments whose elements change; `rebinds`: whose storage is exchanged (`set_`, `.data =`);
    `resizes`: whose length changes (ends iterations); `moves`: that are dead afterwards; `captures`: that the
    first argument (or result) keeps a reference to; `reads`: False for metadata only (shape, dtype).
    `saves`: arguments, or "result", kept for the backward pass when something requires grad.
    """

    result: Relation = "owned"
    of: tuple[str, ...] = ()
    kind: Kind | Literal["same"] = "unknown"
    writes: tuple[str, ...] = ()
    rebinds: tuple[str, ...] = ()
    resizes: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    reads: bool = True
