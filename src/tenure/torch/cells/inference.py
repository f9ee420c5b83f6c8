"""Inference tensors: those that own elements made under ``inference_mode``, which only that mode writes.

A place knows what it belongs to since it was made (``RECORDER.home``): a vmapped call, or an inference mode. Views are
what their owner is, whatever mode they were taken in.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tenure.torch.cells.spreading import counter
from tenure.torch.errors import refuse
from tenure.values.trace.record import RECORDER


class Inference:
    """Home of the places made under an inference mode within a vmapped call, or None."""

    __slots__ = ("outer",)
    level: ClassVar[None] = None

    def __init__(self, outer: Any) -> None:
        self.outer = outer


WRITTEN = (
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal"
    " tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
)
REQUIRING = "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
VIEWED = (
    "A view was created in inference mode and is being modified inplace in normal mode. Given that this use case is"
    " ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace"
    " either both inside the inference_mode block (if you don't want the inplace to be tracked) or both outside (if"
    " you want the inplace to be tracked)."
)


def is_inference_mode_enabled() -> bool:
    """Whether tensors made now are inference tensors."""
    return type(RECORDER.home) is Inference


def is_inference(x: Any) -> bool:
    """Whether a tensor's elements were made under an inference mode."""
    return type((x if x._window is None else x._window.owner)._home) is Inference


def version_of(x: Any) -> int:
    """Number of writes of a tensor's elements; RuntimeError for an inference tensor."""
    if is_inference(x):
        raise refuse("Inference tensors do not track version counter.")
    return counter(x).get("_writes", 0)  # type: ignore[no-any-return]


def refuse_inference(x: Any, said: str = WRITTEN) -> None:
    """RuntimeError for an inference tensor, unless under an inference mode, or detached."""
    is_detached = x._window is not None and x._window.step is None
    if is_inference(x) and not is_detached and not is_inference_mode_enabled():
        raise refuse(said)
