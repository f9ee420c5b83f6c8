"""``torch.nn.utils.prune``: parameters with elements that stay zero, by masks in buffers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.torch.cells import Tensor
from tenure.values.operations.factories import ones_like
from tenure.values.operations.shaping import concat


def _count(amount: Any, size: int) -> int:
    if isinstance(amount, int) and not isinstance(amount, bool):
        if amount > size or amount < 0:
            raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
        return amount
    if not 0.0 <= float(amount) <= 1.0:
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
    return round(float(amount) * size)


class BasePruningMethod:
    """Base of ways to prune: a subclass defines ``compute_mask(t, default_mask)`` and ``PRUNING_TYPE``."""

    _tensor_name: str
    PRUNING_TYPE = "unstructured"

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask of a tensor."""
        raise NotImplementedError

    def apply_mask(self, module: Any) -> Any:
        """The masked tensor."""
        name = self._tensor_name
        mask, original = getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter of a module; the method."""
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        numbers = [k for k, h in module._forward_pre_hooks.items()
                   if isinstance(h, BasePruningMethod) and h._tensor_name == name]  # fmt: skip
        original = module._parameters.get(f"{name}_orig", module._parameters.get(name))
        before = module._buffers.get(f"{name}_mask")
        mask = Tensor._of(ones_like(original._read().detach())) if before is None else before
        if numbers:
            hook = module._forward_pre_hooks.pop(numbers[0])
            made = hook if isinstance(hook, PruningContainer) else PruningContainer(hook)
            made.add_pruning_method(method)
            method = made
        shown = getattr(module, name)
        scores = shown if importance_scores is None else importance_scores
        if scores.shape != shown.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {scores.shape} vs {shown.shape}"
            )
        new = method.compute_mask(scores, mask)
        if before is None:
            module.register_parameter(f"{name}_orig", module._parameters[name])
            del module._parameters[name]
        module.register_buffer(f"{name}_mask", new)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """A pruned copy of a tensor."""
        mask = Tensor._of(ones_like(t._read().detach())) if default_mask is None else default_mask
        return t * self.compute_mask(t if importance_scores is None else importance_scores, mask).to(t.dtype)

    def remove(self, module: Any) -> None:
        """Let the masked parameter be a plain one."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        original = module._parameters.pop(f"{name}_orig")
        del module._buffers[f"{name}_mask"]
        delattr(module, name)
        original.data = weight.detach()
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter, one after the other."""

    def __init__(self, *args: Any) -> None:
        self._methods = list(args)
        self._tensor_name = args[0]._tensor_name if args else ""

    def add_pruning_method(self, method: Any) -> None:
        """Add one."""
        self._methods.append(method)

    def __len__(self) -> int:
        return len(self._methods)

    def __iter__(self) -> Any:
        return iter(self._methods)

    def __getitem__(self, k: int) -> Any:
        return self._methods[k]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask of the last method within what is left."""
        method = self._methods[-1]
        if method.PRUNING_TYPE == "unstructured":
            left: Any = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim
            others = [d for d in range(t.ndim) if d != dim]
            kept = (default_mask.sum(dim=others) if others else default_mask) != 0
            left = (*[slice(None)] * dim, kept)
        elif method.PRUNING_TYPE == "global":
            left = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        new = default_mask.clone()
        new[left] = method.compute_mask(t.detach()[left], default_mask=default_mask[left]).to(new.dtype)
        return new


class Identity(BasePruningMethod):
    """Nothing is pruned."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask as it is."""
        return default_mask


class _Amount(BasePruningMethod):
    def __init__(self, amount: Any) -> None:
        self.amount = amount

    def _without(self, scores: Any, mask: Any, largest: bool = False) -> Any:
        count = _count(self.amount, scores.numel())
        new = mask.clone()
        if count:
            found = scores.reshape(-1).topk(count, largest=largest)[1]
            flat = new.reshape(-1).clone()
            flat[found] = 0
            new = flat.reshape(mask.shape)
        return new


class RandomUnstructured(_Amount):
    """Elements at random."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without some elements."""
        return self._without(t.detach().clone().uniform_(0, 1), default_mask)


class L1Unstructured(_Amount):
    """The smallest elements."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without the smallest elements."""
        return self._without(t.detach().abs(), default_mask)


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        self.amount, self.dim = amount, dim

    def _scores(self, t: Any) -> Any:
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without some parts along an axis."""
        size = t.shape[self.dim]
        count = _count(self.amount, size)
        new = default_mask.clone()
        if count:
            found = self._scores(t).topk(count, largest=False)[1]
            key: list[Any] = [slice(None)] * t.dim()
            key[self.dim] = found
            new[tuple(key)] = 0
        return new


class RandomStructured(_Structured):
    """Parts at random."""

    def _scores(self, t: Any) -> Any:
        return t.detach().new_empty(t.shape[self.dim]).uniform_(0, 1)


class LnStructured(_Structured):
    """The parts of the smallest norms."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, t: Any) -> Any:
        dims = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        return t.detach().norm(p=self.n, dim=dims)


class CustomFromMask(BasePruningMethod):
    """A mask of one's own."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Both masks together."""
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: Any, name: str) -> Any:
    """Prune nothing of a parameter; the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune elements at random; the module."""
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any, importance_scores: Any = None) -> Any:
    """Prune the smallest elements; the module."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune parts at random; the module."""
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Any:
    """Prune the parts of the smallest norms; the module."""
    LnStructured.apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Any) -> Any:
    """Prune by a mask; the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters: Iterable[Any], pruning_method: Any, importance_scores: Any = None,
                        **kwargs: Any) -> None:  # fmt: skip
    """Prune elements of several parameters together."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if not isinstance(importance_scores, dict | None):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs, chosen = list(parameters), importance_scores or {}
    found = [getattr(m, n) for m, n in pairs]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
            f"Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    scores = [chosen.get(pair, x) for pair, x in zip(pairs, found, strict=True)]
    masks = [getattr(m, f"{n}_mask", Tensor._of(ones_like(x._read().detach())))
             for (m, n), x in zip(pairs, found, strict=True)]  # fmt: skip
    container = PruningContainer()
    container.add_pruning_method(method)
    new = container.compute_mask(_joined(scores), _joined(masks))
    at = 0
    for (module, name), x in zip(pairs, found, strict=True):
        custom_from_mask(module, name, new[at : at + x.numel()].reshape(x.shape))
        at += x.numel()


def _joined(tensors: Iterable[Any]) -> Any:
    """Tensors as one vector, outside the graph."""
    return Tensor._of(concat([x._read().detach().reshape(-1) for x in tensors]))


def remove(module: Any, name: str) -> Any:
    """Let a pruned parameter be a plain one, with the zeros; the module."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Any) -> bool:
    """Whether something in a module is pruned."""
    return any(isinstance(h, BasePruningMethod) for m in module.modules() for h in m._forward_pre_hooks.values())


__all__ = [name for name in globals() if name[0] != "_" and name not in ("Any", "Iterable", "Parameter", "annotations")]
