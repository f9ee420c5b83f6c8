"""``torch.autograd.forward_ad``: dual numbers, which are not here; ``torch.func.jvp`` is forward mode."""

from __future__ import annotations

from typing import Any, NoReturn

from tenure.torch.absent import missing

__all__ = ["dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise missing("a dual tensor", "torch.func.jvp(f, primals, tangents) gives the same derivative")


dual_level = enter_dual_level = exit_dual_level = make_dual = unpack_dual = _refuse
