"""Parameters: leaves that modules hold and optimizers update, with a count of their modules."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any

from tenure.values.native.hits import add_place, know
from tenure.values.places.loans import Ended
from tenure.values.places.var import Var
from tenure.values.rules.guard import guarded
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike

BIRTHS = itertools.count()
"""Counter of parameters and module calls: a parameter made during a call was not lent for it."""


class Parameter(Var):
    """A place that a module lists among its parameters: a differentiation leaf, unless told otherwise.

    ``Parameter(data)`` owns a place that starts with the value of ``data``, cut from its graph. It knows
    which modules hold it now, so that an optimizer can tell when it has been replaced.

    >>> nn.Parameter([1.0, 2.0])
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()
    _born: int
    _holders: list[weakref.ref[Any]] | None

    def __init__(self, data: ArrayLike = 0.0, requires_grad: bool = True) -> None:
        super().__init__(data, False)
        self._store(self._val.detach())
        self._born = next(BIRTHS)
        self._holders = None
        if flag("requires_grad", requires_grad):
            self.requires_grad_()

    @guarded
    def held_by(self, holder: Any) -> None:
        """Note that a module holds this parameter (once more, if it did already)."""
        alive = [r for r in self._holders or () if r() is not None]
        self._holders = [*alive, weakref.ref(holder)]

    @guarded
    def released_by(self, holder: Any) -> None:
        """Note that a module has let go of this parameter."""
        holders = self._holders or []
        for k, r in enumerate(holders):
            if r() is holder:
                self._holders = holders[:k] + holders[k + 1 :]
                return

    def refuse_replacement(self) -> None:
        """TN503 or TN506 while it is lent: it is not replaced in its module either."""
        if type(self._loans) is not Ended:
            self._refuse_write()

    def is_orphan(self) -> bool:
        """Whether modules once held this parameter and none does now."""
        holders = self._holders
        if holders is None or (len(holders) == 1 and holders[0]() is not None):
            return False
        return all(r() is None for r in holders)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


add_place(Parameter)
know("parameter", Parameter)
