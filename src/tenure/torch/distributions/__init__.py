"""``torch.distributions``: the home library's, over tensors; a class is made at its first use."""

from __future__ import annotations

import importlib
from typing import Any

from tenure import distributions as home
from tenure.distributions.constraint_registry import ConstraintRegistry
from tenure.torch import virtual
from tenure.torch.distributions import bases
from tenure.torch.distributions.bases import Constraint, Distribution, Transform
from tenure.torch.distributions.outer import FAMILIES, asked, is_home, named, shown
from tenure.torch.distributions.rooms import ROOMS
from tenure.torch.messages.distributions import PUBLIC

REGISTRY: dict[tuple[type, type], Any] = {}
"""Divergences that a program has registered."""


def register_kl(type_p: type, type_q: type) -> Any:
    """Decorator of the function that gives the divergence of two distributions of these classes."""

    def decorator(function: Any) -> Any:
        REGISTRY[type_p, type_q] = function
        return function

    return decorator


def kl_divergence(p: Any, q: Any) -> Any:
    """The Kullback–Leibler divergence KL(p ‖ q)."""
    matches = [(a, b) for a, b in REGISTRY if isinstance(p, a) and isinstance(q, b)]
    if matches:
        far = [(type(p).__mro__.index(a) + type(q).__mro__.index(b), k) for k, (a, b) in enumerate(matches)]
        return REGISTRY[matches[min(far)[1]]](p, q)
    return asked(home.kl_divergence)(p, q)


class _Registry:
    """Function from a constraint to a transform, with a decorator that registers one."""

    def __init__(self, of: ConstraintRegistry) -> None:
        self._of = of
        self._own: dict[Any, Any] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Register the transform of a constraint's class."""
        if factory is None:
            return lambda f: self.register(constraint, f)
        self._own[constraint if isinstance(constraint, type) else type(constraint)] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        for of in type(constraint).__mro__:
            if of in self._own:
                return self._own[of](constraint)
        return asked(self._of)(constraint)


biject_to, transform_to = _Registry(home.biject_to), _Registry(home.transform_to)


def found(space: Any, name: str) -> Any:
    """A name of a home module as the face has it."""
    x: Any = getattr(space, name)
    if isinstance(x, type) and issubclass(x, tuple(FAMILIES)):
        kind: Any = x
        return named(kind)
    if is_home(x):
        return shown(x)
    return asked(x) if callable(x) and not isinstance(x, type) else x


def __getattr__(name: str) -> Any:
    if name not in home.__all__:
        raise AttributeError(f"module 'torch.distributions' has no attribute {name!r}", name=name)
    made = globals()[name] = found(home, name)
    return made


def __dir__() -> list[str]:
    return sorted({*globals(), *home.__all__})


def _constraint(name: str) -> Any:
    return Constraint if name == "Constraint" else found(home.constraints, name.lstrip("_"))


_CLASSES = [f"_{n}" for n, x in vars(home.constraints).items() if isinstance(x, type) and n not in PUBLIC]
virtual.room("distributions.constraints", _constraint, [*home.constraints.__all__, *_CLASSES])
_InverseTransform = bases.Inverse
virtual.room("distributions.transforms", lambda n: globals()[n] if n in globals() else __getattr__(n), [
    "_InverseTransform", *[n for n in home.__all__ if n.endswith("Transform") or n == "identity_transform"]
])  # fmt: skip
virtual.room("distributions.kl", lambda n: globals()[n], ["kl_divergence", "register_kl"])
virtual.room("distributions.constraint_registry", lambda n: globals()[n], ["biject_to", "transform_to"])


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Any:
    return importlib.import_module("tenure.torch").randn(shape, dtype=dtype, device=device)


def _sum_rightmost(value: Any, dim: int) -> Any:
    return value if dim == 0 else value.reshape((*value.shape[: value.dim() - dim], -1)).sum(-1)


def _precision_to_scale_tril(P: Any) -> Any:
    """The lower triangle L of a covariance L · Lᵀ whose inverse is P, by the Cholesky factor of P turned over."""
    over = importlib.import_module("tenure.torch.linalg").cholesky(P.flip(-2, -1))
    return over.flip(-2, -1).mT.inverse().tril()


_HELP = {"_standard_normal": _standard_normal, "_sum_rightmost": _sum_rightmost}
"""Helpers that libraries of distributions import."""
virtual.room(
    "distributions.utils",
    lambda n: _HELP[n] if n in _HELP else found(home.utils, n),
    [*_HELP, *[n for n in dir(home.utils) if n[0] != "_"]],
)
_TABLE = {room: f"{names} Distribution constraints" for room, names in ROOMS.items()}
_TABLE["multivariate_normal"] += " _precision_to_scale_tril"
virtual.rooms("distributions", _TABLE, lambda n: globals()[n] if n in globals() else __getattr__(n))
__all__ = [*home.__all__]
for _name in home.__all__:  # programs walk the names of this module
    if _name not in globals():
        __getattr__(_name)
_BASES = (bases, Distribution, Transform)
