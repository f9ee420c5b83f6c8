"""Optimizer states divided among the ranks (ZeRO stage 1).

Each rank updates the parameters that it owns, and keeps what an optimizer keeps for those alone; then all send theirs.
An update is a formula of one parameter, its gradient and its state, so the bits are those of one process. Source:
Rajbhandari, Rasley, Ruwase, He, "ZeRO: memory optimizations toward training trillion parameter models", SC 2020.
"""

from __future__ import annotations

from typing import Any

from tenure.distributed.algorithms import exchange, meet
from tenure.distributed.collectives import all_gather_object
from tenure.distributed.world import RankGroup, chosen
from tenure.errors import DTypeError, TenureError, shown
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import Group
from tenure.runtime.buffers import empty
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.places.shared import Shared
from tenure.values.rules.sites import here, site

__all__ = ["shard_optimizer"]


class Sharded(Optimizer):
    """Part of an optimizer's class: its steps are shared out."""

    _given_group: RankGroup | None

    @property
    def _ranks(self) -> RankGroup:
        return chosen(self._given_group)

    def owners(self) -> dict[int, int]:
        """The rank that updates each parameter, by its number: the one with the fewest elements so far."""
        loads, found = [0] * self._ranks.size, {}
        for k, p in enumerate(self.parameters()):
            rank = loads.index(min(loads))
            loads[rank] += p._read()._aval.size
            found[k] = rank
        return found

    def mine(self) -> set[int]:
        """The ids of the parameters that this rank updates."""
        owners = self.owners()
        return {id(p) for k, p in enumerate(self.parameters()) if owners[k] == self._ranks.rank}

    def _update_groups(self, me: int, where: Any) -> None:
        given = [group["params"] for group in self.param_groups]
        mine = self.mine()
        try:
            for group in self.param_groups:
                group["params"] = [p for p in group["params"] if id(p) in mine]
            super()._update_groups(me, where)
        finally:
            for group, params in zip(self.param_groups, given, strict=True):
                group["params"] = params
        self._send()

    def _send(self) -> None:
        """Send the parameters that were updated here, and take the others."""
        owners, places, ranks = self.owners(), list(self.parameters()), self._ranks
        avals = [p._read()._aval for p in places]
        wait = meet(ranks, "the step of a sharded optimizer", str(avals))
        own = [array_of(p) for k, p in enumerate(places) if owners[k] == ranks.rank]
        found = {k: empty(avals[k].size, avals[k].dtype.numpy) for k in owners if owners[k] != ranks.rank}
        others = [r for r in range(ranks.size) if r != ranks.rank]
        exchange(ranks, [(r, a) for r in others for a in own], [(owners[k], a) for k, a in found.items()], wait)
        for k, array in found.items():
            places[k].data = wrap(array.reshape(avals[k].shape), avals[k])

    def state_dict(self) -> Group:
        """The state of all parameters, gathered from the ranks: each calls it."""
        whole = self.own_state_dict()
        for part in all_gather_object(whole["state"], group=self._ranks):
            whole["state"].update(part)
        whole["state"] = dict(sorted(whole["state"].items()))
        return whole

    def own_state_dict(self) -> Group:
        """The same with the state of this rank's own parameters alone."""
        return super().state_dict()

    def load_state_dict(self, state_dict: Any) -> None:
        """Take over options, and the state of this rank's own parameters; any number of ranks may have saved it."""
        super().load_state_dict(state_dict)
        mine = self.mine()
        for p in [p for p in self.state if id(p) not in mine]:
            del self.state[p]


def shard_optimizer(optimizer: Optimizer, *, group: RankGroup | None = None) -> Optimizer:
    """The same optimizer, with its states divided among the ranks of a group from now on; gives it back.

    Its ``step()`` is then a collective, and so is ``state_dict()``, which gathers the states of all. For optimizers
    that update each parameter by itself: DTypeError (TN802) for another, as LBFGS; TenureError once it has taken steps.

    >>> w = nn.Parameter([1.0])
    >>> opt = tn.distributed.shard_optimizer(optim.Adam([w]))
    >>> w.grad = tn.tensor([2.0])
    >>> opt.step()
    >>> w
    Parameter containing:
    tensor([0.9990], requires_grad=True)
    """
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(f"shard_optimizer: optimizer is an optim.Optimizer, not {shown(optimizer)}")
    kind = type(optimizer)
    if kind.step is not Optimizer.step or any(isinstance(p, Shared) for p in optimizer.parameters()):
        raise DTypeError(
            f"shard_optimizer: {kind.__name__} does not update each parameter by itself", at=site(here()),
            help="keep it whole on every rank",
        )  # fmt: skip
    if optimizer.state:
        raise TenureError("shard_optimizer: the optimizer has taken steps", at=site(here()), help="shard it before")
    if not issubclass(kind, Sharded):
        optimizer.__class__ = type(kind.__name__, (Sharded, kind), {"__module__": kind.__module__})
    chosen(group)
    optimizer._given_group = group  # type: ignore[attr-defined]
    return optimizer


