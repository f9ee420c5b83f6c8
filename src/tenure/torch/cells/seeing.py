"""Arrays of views that show other numbers than their owner's elements: parts of complex ones, bytes as others."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.memory import window_of
from tenure.torch.cells.steps import Component, Conjugate
from tenure.torch.cells.windows import lineage
from tenure.torch.errors import refuse

SIGNED = "Can't call numpy() on Tensor that has {} bit set. Use tensor.resolve_{}().numpy() instead."


def steps_to(x: Any) -> list[Any]:
    """Steps from an owner to a view."""
    found = [t._window.step for t in lineage(x) if t._window is not None and t._window.step is not None]
    return found[::-1]


def refuse_signs(x: Any) -> None:
    """RuntimeError for a conjugate, or its imaginary part: no array shows them in the elements of its owner."""
    turned = False
    for step in steps_to(x) if x._window is not None else ():
        if type(step) is Conjugate:
            turned = not turned
        elif type(step) is Component and turned:
            if not step.is_real:
                raise refuse(SIGNED.format("negative", "neg"))
            turned = False
    if turned:
        raise refuse(SIGNED.format("conjugate", "conj"))


def shown_in(array: Any, x: Any) -> Any:
    """Array of what a view shows, in one of the elements that it shows them of (``Window.geometry``)."""
    steps = steps_to(x) if x._window is not None else []
    if any(step.recasts for step in steps):
        for step in steps:
            array = seen(array, step)
        return array
    for step in steps:
        array = seen(array, step) if type(step) is Component else array
    return array


def seen(array: Any, step: Any) -> Any:
    """Array of the view that one step gives of an array."""
    if type(step) is Component:
        return array.real if step.is_real else array.imag
    if type(step) is Conjugate:
        return array
    dtype = step.dtype_of(array.dtype) if step.recasts else array.dtype
    return window_of(array, Geometry(step.offset, step.layout), dtype)
