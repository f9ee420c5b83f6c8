"""functional_call: a module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from tenure.errors import DTypeError, ShapeError, shown
from tenure.func.signatures import R
from tenure.runtime.bracket import bracket
from tenure.values.operations.shaping import stack
from tenure.values.places.var import Var
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.record import RECORDER

Slot = tuple[dict[str, Any], str]
"""The slot of a module that holds a tensor: the dict, and the name in it."""


class HasForward(Protocol[R]):
    """A module by the result of its ``forward``."""

    @property
    def forward(self) -> Callable[..., R]:
        """The function that a call of the module calls."""
        raise NotImplementedError


@checked_first
def functional_call(
    module: HasForward[R],
    parameter_and_buffer_dicts: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> R:
    """The result of ``module(*args, **kwargs)`` with other tensors in place of parameters and buffers, for this call.

    The dict names them as ``named_parameters()`` does, or several dicts do; what is not named is the module's own
    (an error with ``strict``), and one that the module holds under several names is replaced under all of them, unless
    ``tie_weights`` is False. ``args`` is a tuple, or the one argument. The module is as it was afterwards, and nothing
    of it is written. KeyError for a name that it does not have, ValueError for one given twice, or given different
    tensors where it is tied; TN802 for another shape or dtype. Not for two threads at once on one module.

    >>> layer = nn.Linear(2, 1, bias=False)
    >>> tn.func.functional_call(layer, {"weight": tn.tensor([[1.0, 10.0]])}, tn.tensor([1.0, 2.0]))
    tensor([21.])
    """
    if not hasattr(module, "named_modules"):
        raise DTypeError(f"functional_call: module is a Module, not {shown(module)}")
    values, slots = _together(parameter_and_buffer_dicts), dict(_slots(module))
    replaced: dict[int, Any] = {}
    for name, value in values.items():
        if name not in slots:
            raise KeyError(f"functional_call: {type(module).__name__} has no parameter or buffer {name!r}")
        held, key = slots[name]
        _check(name, held[key], value)
        if tie_weights and replaced.setdefault(id(held[key]), value) is not value:
            said = f"functional_call: {name!r} is tied to another name, which is given another tensor"
            raise ValueError(f"{said}: tie_weights=False takes both")
    before = [(held, key, held[key]) for held, key in slots.values()]
    missing = [n for n, (held, key) in slots.items() if n not in values and id(held[key]) not in replaced]
    if strict and missing:
        raise KeyError(f"functional_call: strict, and no tensor is given for {', '.join(map(repr, missing))}")
    named = [(*slots[name], value) for name, value in values.items()]
    new = [(held, key, replaced.get(id(old), old)) for held, key, old in before]
    enter: list[Any] = [(held.__setitem__, key, value) for held, key, value in [*new, *named]]
    leave: list[Any] = [(held.__setitem__, key, old) for held, key, old in before]
    if RECORDER.site is None:
        enter.append((RECORDER.enter_site, here()))
        leave.append((RECORDER.enter_site, None))
    given = args if isinstance(args, tuple) else (args,)
    call: Any = module
    return bracket(tuple(enter), tuple(leave), call, *given, **(kwargs or {}))  # type: ignore[no-any-return]


def _together(values: Any) -> Mapping[str, Any]:
    """One dict of several; ValueError for a name in two of them."""
    if isinstance(values, Mapping):
        return values
    out: dict[str, Any] = {}
    for part in values:
        if not isinstance(part, Mapping):
            said = "functional_call: parameter_and_buffer_dicts is a dict or a list of dicts"
            raise DTypeError(f"{said}, not one of {shown(part)}")
        twice = out.keys() & part.keys()
        if twice:
            raise ValueError(f"functional_call: {', '.join(sorted(map(repr, twice)))} is given twice")
        out.update(part)
    return out


@checked_first
def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Var], dict[str, Tensor]]:
    """The parameters and the buffers of several models of one class, each stacked along a new first axis.

    Two dicts by name, for ``functional_call`` of one of the models under ``vmap``. The parameters are leaves of their
    own, which require grad as theirs do. ValueError for no models, for models of several classes, or in training and
    evaluation; TN802 where shapes differ.

    >>> models = [nn.Linear(2, 1) for _ in range(3)]
    >>> params, buffers = tn.func.stack_module_state(models)
    >>> run = lambda p, x: tn.func.functional_call(models[0], p, x)
    >>> tn.vmap(run, in_dims=(0, None))(params, tn.ones(2)).shape
    (3, 1)
    """
    found = list(models)
    for m in found:
        if not hasattr(m, "named_modules"):
            raise DTypeError(f"stack_module_state: models are Modules, not {shown(m)}")
    if not found:
        raise ValueError("stack_module_state: there is no model")
    if len({type(m) for m in found}) > 1 or len({m.training for m in found}) > 1:
        raise ValueError("stack_module_state: the models are of several classes, or not all in training or evaluation")
    params, buffers = ([dict(getattr(m, which)()) for m in found] for which in ("named_parameters", "named_buffers"))
    return (
        {name: Var(_stacked([p[name] for p in params]), params[0][name].requires_grad) for name in params[0]},
        {name: _stacked([b[name] for b in buffers]) for name in buffers[0]},
    )


def _stacked(places: list[Any]) -> Tensor:
    return stack([p.detach() for p in places])


def _slots(module: Any) -> Iterator[tuple[str, Slot]]:
    """Every name of a parameter or buffer, and where it is held."""
    for prefix, part in module.named_modules(remove_duplicate=False):
        for held in (part._parameters, part._buffers):
            for name, tensor in held.copy().items():
                if tensor is not None:
                    yield (f"{prefix}.{name}" if prefix else name), (held, name)


def _check(name: str, old: Any, value: Any) -> None:
    """A tensor that can stand for another."""
    if not isinstance(value, Tensor):
        raise DTypeError(f"{name} is given a {type(value).__name__}, not a tensor", at=site(here()))
    if value.shape != old.shape:
        shapes = f"{list(value.shape)}, and the module's own has {list(old.shape)}"
        raise ShapeError(f"{name} is given a tensor of shape {shapes}", at=site(here()))
    if value.dtype is not old.dtype:
        dtypes = f"{value.dtype.name}, and the module's own is {old.dtype.name}"
        raise DTypeError(f"{name} is given {dtypes}", at=site(here()))
