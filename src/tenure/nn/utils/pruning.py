"""Ways to prune a parameter: the masks, and the hook that applies one before each call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.values.operations.factories import ones
from tenure.values.operations.norms import norm
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.random import rand
from tenure.values.tensor.tensor import Tensor


class BasePruningMethod:
    """The base of ways to prune. A subclass defines ``compute_mask`` and ``PRUNING_TYPE``.

    That is "unstructured" (it prunes elements), "structured" (parts along ``self.dim``) or "global" (it has a mask of
    its own); of a tensor that is pruned already it sees what is left.

    >>> class Every(nn.utils.prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...     def compute_mask(self, t, default_mask):
    ...         return default_mask * 0
    >>> layer = nn.Linear(2, 1)
    >>> _ = Every.apply(layer, "weight")
    >>> layer.weight.detach().abs().sum()
    tensor(0.)
    """

    PRUNING_TYPE: ClassVar[str] = "unstructured"
    _tensor_name: str = ""

    def __call__(self, module: Any, inputs: Any) -> None:
        """Compute the pruned tensor for a call."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask, of ones and zeros, of importance scores and a mask to begin with."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute_mask")

    def apply_mask(self, module: Any) -> Tensor:
        """The pruned tensor of a module."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(original.dtype) * original  # type: ignore[no-any-return]

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter of a module, on top of what has been pruned of it; returns the method.

        ``importance_scores`` take the place of the parameter's elements. ValueError for a name that the module does not
        have; ShapeError (TN802) for scores of another shape."""
        before, method = hooks_of(module, name), cls(*args, **kwargs)._named(name)
        original = module._parameters.get(name) if not before else getattr(module, name)
        if original is None:
            raise ValueError(f"prune: {type(module).__name__} has no parameter {name!r}")
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise ShapeError(f"prune: importance_scores of {list(scores.shape)} for {name} of {list(original.shape)}")
        mask = getattr(module, f"{name}_mask").detach() if before else ones(original.shape, dtype=original.dtype)
        old = [m for _, fn in before for m in (fn if isinstance(fn, PruningContainer) else [fn])]
        whole = PruningContainer(*old, method) if old else method
        found = no_grad().apply(whole.compute_mask, scores.detach(), default_mask=mask)
        for number, _ in before:
            del module._own_hooks().before[number]
        if not before:
            module.register_parameter(f"{name}_orig", original)
            delattr(module, name)
        module.register_buffer(f"{name}_mask", found.detach())
        whole(module, ())
        module.register_forward_pre_hook(whole)
        return whole

    def _named(self, name: str) -> Self:
        self._tensor_name = name
        return self

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """A tensor with elements pruned, of no module."""
        mask = ones(t.shape, dtype=t.dtype) if default_mask is None else default_mask
        return t * self.compute_mask(t if importance_scores is None else importance_scores, default_mask=mask)

    def remove(self, module: Any) -> None:
        """Make the pruned tensor the parameter itself, for good."""
        name = self._tensor_name
        now, original = self.apply_mask(module).detach(), module._parameters[f"{name}_orig"]
        for other in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, other)
        no_grad().apply(original.copy_, now)
        setattr(module, name, original)


def hooks_of(module: Any, name: str) -> list[tuple[int, BasePruningMethod]]:
    """The pruning of a parameter: the number of its hook, and the method."""
    found = [] if module._hooks is None else list(module._hooks.before.items())
    return [(k, fn) for k, (fn, _) in found if isinstance(fn, BasePruningMethod) and fn._tensor_name == name]


class PruningContainer(BasePruningMethod):
    """Several ways to prune one tensor, each of what those before it have left."""

    def __init__(self, *methods: BasePruningMethod) -> None:
        self._pruning_methods: list[BasePruningMethod] = []
        self._tensor_name = methods[0]._tensor_name if methods else ""
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one of the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"add_pruning_method takes a way to prune, not {shown(method)}")
        if method._tensor_name != self._tensor_name:
            names = f"{self._tensor_name!r} and {method._tensor_name!r}"
            raise ValueError(f"add_pruning_method: the two are of different tensors, {names}")
        self._pruning_methods.append(method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last one, of what is left, on top of the others'."""
        method: Any = self._pruning_methods[-1]
        kind = method.PRUNING_TYPE
        at: Any = ...
        if kind == "unstructured":
            at = default_mask == 1
        elif kind == "structured":
            dim = range(t.ndim)[method.dim]
            kept = default_mask.sum(axis=tuple([k for k in range(t.ndim) if k != dim])) != 0
            at = (*[slice(None)] * dim, kept)
        elif kind != "global":
            raise ValueError(f"compute_mask: PRUNING_TYPE is unstructured, structured or global, not {shown(kind)}")
        part = method.compute_mask(t[at], default_mask=default_mask[at])
        return default_mask.to(t.dtype).at[at].set(part.to(t.dtype))


class Identity(BasePruningMethod):
    """Pruning of nothing: the parameter has a mask of ones."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask to begin with."""
        return default_mask


class _Amount(BasePruningMethod):
    """Pruning of an amount: so many, or a fraction."""

    def __init__(self, amount: float) -> None:
        whole = isinstance(amount, int) and not isinstance(amount, bool)
        if not whole and not isinstance(amount, float):
            raise DTypeError(f"prune: amount is an int or a float, not {shown(amount)}")
        if amount < 0 or (not whole and not amount <= 1):
            raise ValueError(f"prune: amount is a fraction from 0 to 1, or a number of elements, not {amount}")
        self.amount = amount

    def count(self, size: int) -> int:
        """The number that is pruned of so many; ValueError for more than there are."""
        found = self.amount if isinstance(self.amount, int) else round(self.amount * size)
        if found > size:
            raise ValueError(f"prune: amount {found} is more than the {size} that there are")
        return found

    def without_least(self, scores: Tensor, mask: Tensor) -> Tensor:
        """A mask without the elements of the least scores."""
        count = self.count(scores.numel())
        if not count:
            return mask
        least = scores.flatten().topk(count, largest=False).indices
        return mask.flatten().at[least].set(0.0).reshape(mask.shape)


class RandomUnstructured(_Amount):
    """Pruning of elements by chance."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without some elements."""
        return self.without_least(rand(t.shape), default_mask)


class L1Unstructured(_Amount):
    """Pruning of the elements of least size."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without some elements."""
        return self.without_least(t.abs(), default_mask)


class _Parts(_Amount):
    """Pruning of whole parts along an axis."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def scores(self, t: Tensor, others: tuple[int, ...]) -> Tensor:
        """The importance of each part, over the other axes."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without the parts of least importance."""
        if t.ndim < 2:
            raise ShapeError(f"prune: parts along an axis of a tensor of shape {list(t.shape)}")
        if not -t.ndim <= self.dim < t.ndim:
            raise OutOfRange(f"prune: dim {self.dim} of a tensor of shape {list(t.shape)}")
        dim, size = self.dim % t.ndim, t.shape[self.dim]
        scores = self.scores(t, tuple([k for k in range(t.ndim) if k != dim]))
        kept = self.without_least(scores, ones(size, dtype=t.dtype))
        return default_mask.to(t.dtype) * kept.reshape([-1 if k == dim else 1 for k in range(t.ndim)])


class RandomStructured(_Parts):
    """Pruning of parts along an axis by chance."""

    def scores(self, t: Tensor, others: tuple[int, ...]) -> Tensor:
        """Random numbers."""
        return rand(t.shape[self.dim])


class LnStructured(_Parts):
    """Pruning of the parts along an axis of least norm."""

    def __init__(self, amount: float, n: float | str, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def scores(self, t: Tensor, others: tuple[int, ...]) -> Tensor:
        """The norms of the parts."""
        return norm(t, self.n, dim=others)


class CustomFromMask(BasePruningMethod):
    """Pruning by a mask of one's own."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The product of the masks."""
        if self.mask.shape != default_mask.shape:
            raise ShapeError(f"prune: mask of {list(self.mask.shape)} for a tensor of {list(default_mask.shape)}")
        return default_mask * self.mask.to(default_mask.dtype)
