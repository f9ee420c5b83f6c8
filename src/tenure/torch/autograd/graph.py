"""``torch.autograd.graph``: hooks on what the graph saves, and on several gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tenure.torch.cells import Tensor
from tenure.torch.cells.spreading import count
from tenure.torch.names.ends import Node
from tenure.torch.names.graphs import GradientEdge, get_gradient_edge
from tenure.torch.nn.registry import RemovableHandle

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class saved_tensors_hooks:
    """Refused: the engine recomputes, or keeps values of its own, so no hook could say what a backward reads."""

    def __init__(self, pack_hook: Callable[..., Any], unpack_hook: Callable[..., Any]) -> None:
        raise NotImplementedError(
            "saved_tensors_hooks: this engine saves no tensors of PyTorch's, so the hooks would not be called; leave"
            " the context out, or use torch.utils.checkpoint to save memory"
        )


@contextlib.contextmanager
def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> Iterator[None]:
    """Everything is on the CPU."""
    yield


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """There are no such hooks."""
    yield


class AllowMutationOnSavedContext:
    """Context of ``allow_mutation_on_saved_tensors``: there are no copies to clear."""

    def clear(self) -> None:
        """Nothing."""


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[AllowMutationOnSavedContext]:
    """A graph keeps the elements that it was recorded on, in the block as elsewhere."""
    yield AllowMutationOnSavedContext()


def increment_version(tensor: Any) -> None:
    """Count a write of a tensor, or of each of several."""
    for x in [tensor] if isinstance(tensor, Tensor) else tensor:
        count(x)


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str = "all") -> Any:
    """Call a function with the gradients of several tensors, when all that a backward reaches are there."""
    found: list[Any] = [None] * len(tensors)

    def each(k: int) -> Callable[[Any], None]:
        def hook(g: Any) -> None:
            found[k] = g
            if mode == "any":
                fn(g)
            elif all(x is not None for x in found):
                given = tuple(found)
                found[:] = [None] * len(found)
                fn(given)

        return hook

    handles = [x.register_hook(each(k)) for k, x in enumerate(tensors)]
    made = RemovableHandle({})
    made.remove = lambda: [h.remove() for h in handles]  # type: ignore[assignment]
    return made
