"""Gradients that no optimizer has used yet: what a step leaves to the next ones when it accumulates.

They are no part of any ``state_dict``, and of what a step begins with: where a step is taken again they have to be
there again. What is accumulated without communication is each rank's own, and lost with it, so there the step to go
back to is the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tenure.distributed.parallel import Parallel
from tenure.nn.module import Module
from tenure.optim.optimizer import Optimizer, gradient_of
from tenure.values.grad.autograd import set_grad
from tenure.values.grad.sparse_rows import Entries, SparseRows

PENDING = "gradients that are pending"
"""Key of pending gradients among the states of a step: no part has such a name."""


class Pending:
    """The gradients of the parts of a run, and whether they are pending."""

    def __init__(self, parts: Iterable[Any]) -> None:
        held = list(parts)
        self.models = [x for x in held if isinstance(x, Parallel)]
        self.optimizers = [x for x in held if isinstance(x, Optimizer)]
        every = [p for x in held if isinstance(x, Module | Optimizer) for p in x.parameters()]
        self.places = list({id(p): p for p in every}.values())
        self.used: dict[int, Any] = {}
        self.handles = [x.register_step_post_hook(self.note) for x in self.optimizers]

    def note(self, optimizer: Optimizer, *_: Any) -> None:
        """An optimizer has used its gradients."""
        self.used.update((id(p), gradient_of(p)) for p in optimizer.parameters())

    def close(self) -> None:
        """Look at the optimizers no longer."""
        for handle in self.handles:
            handle.remove()

    def of_each_rank(self) -> bool:
        """Whether each rank has gradients of its own."""
        return any(x.accumulates for x in self.models)

    def state(self) -> dict[int, Any]:
        """Gradients by the number of their place, as tensors."""
        found = {k: gradient_of(p) for k, p in enumerate(self.places)}
        self.used = {i: g for i, g in self.used.items() if g is not None}
        fresh = {k: g for k, g in found.items() if g is not None and self.used.get(id(self.places[k])) is not g}
        return {k: tuple(g._packed()[:2]) if isinstance(g, SparseRows) else g.detach() for k, g in fresh.items()}

    def put_back(self, saved: Mapping[int, Any]) -> None:
        """Set gradients to those of a state; what is left of a step that was not finished is dropped."""
        for x in self.optimizers:
            x.zero_grad()
        for model in self.models:
            model.forget()
        for k, p in enumerate(self.places):
            g = saved.get(k)
            set_grad(p, SparseRows.of(p._read()._aval, Entries(*g)) if isinstance(g, tuple) else g)
