"""Optimizers of the face: a class for each of the home library's, whose state is tensors.

Parameters stay the tensors that they are; the home formula writes them. Checks and messages are PyTorch's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tenure import optim as home_optim
from tenure.errors import StateDictError, TenureError, following
from tenure.optim.optimizer import Optimizer as Home
from tenure.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.turns import RUNS, TURN, patiently
from tenure.torch.dtypes import Defaults, float64
from tenure.torch.errors import TorchValueError, plainly, refuse, translated
from tenure.torch.nn.places import typename
from tenure.values.tensor.tensor import Tensor as Value


class Optimizer(Home):
    """Base of optimizers, as PyTorch's: a subclass defines ``step``."""

    __module__ = "torch.optim.optimizer"

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            given: Any = params
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{given.type()}"
            )
        groups = list(params)
        if not groups:
            raise refuse("optimizer got an empty parameter list", TorchValueError)
        called(Home.__init__, self, groups, defaults)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Also update the tensors of another group."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections")
        params = [given] if isinstance(given, Tensor) else list(given)
        for p in (p[1] if isinstance(p, tuple) else p for p in params):
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(p)}")
            if not self.defaults.get("differentiable") and not p.is_leaf:
                raise refuse("can't optimize a non-leaf Tensor", TorchValueError)
        seen = {id(p) for g in self.param_groups for p in g["params"]}
        if any(id(p) in seen for p in params):
            raise refuse("some parameters appear in more than one parameter group", TorchValueError)
        called(Home.add_param_group, self, {**param_group, "params": params})

    def load_state_dict(self, state_dict: Any) -> None:
        """Take over state and options; KeyError for a dict without them, ValueError if the groups differ."""
        try:
            super().load_state_dict(state_dict)
        except StateDictError as error:
            for key in ("param_groups", "state"):
                if key not in state_dict:
                    raise KeyError(key) from None
            mine, found = (
                [len(g["params"]) for g in groups] for groups in (self.param_groups, state_dict["param_groups"])
            )
            if len(mine) != len(found):
                text = "loaded state dict has a different number of parameter groups"
            elif mine != found:
                text = "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            else:
                raise translated(error) from None
            raise refuse(text, TorchValueError) from None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or write zeros to them."""
        every: Any = self.parameters()
        for p in every:
            g = p.grad
            if g is None:
                continue
            if set_to_none:
                p.grad = None
                continue
            if g.requires_grad:
                p.grad = g = g.detach()
            g.zero_()

    def _step(self) -> None:
        if RUNS:
            patiently()
        with TURN:  # two optimizers may have parameters in common, as in Hogwild
            super()._step()

    def _refuse_rows(self, group: Any) -> None:
        try:
            super()._refuse_rows(group)
        except TenureError:
            name = type(self).__name__.replace("AdamW", "Adam")
            more = ", please consider SparseAdam instead" if name == "Adam" else ""
            raise refuse(f"{name} does not support sparse gradients{more}") from None

    def _begin(self, name: str, p: Any, group: Any) -> Any:
        return wrap(super()._begin(name, p._read(), group))  # type: ignore[misc]

    def _placed(self, x: Any) -> Any:
        return wrap(x.detach())

    def _saved(self, name: str, x: Any) -> Any:
        if isinstance(x, Tensor):
            return x
        found = wrap(super()._saved(name, x))
        return found.to(float64) if name == "step" and Defaults.float is float64 else found

    def _restored(self, name: str, x: Any, p: Any) -> Any:
        if not isinstance(x, Tensor) or name in getattr(self, "counts", ()):
            return faced(super()._restored(name, x, p))
        return x.to(p.dtype) if x.is_floating_point() and p.is_floating_point() else x


def faced(x: Any) -> Any:
    """Home places of a state, in lists and dicts too, as tensors."""
    return wrap(x)


def called(function: Callable[..., Any], *args: Any) -> Any:
    """The result of home code, whose errors become PyTorch's."""
    try:
        return function(*args)
    except TenureError as error:
        raise translated(error) from None
    except ValueError as error:
        raise plainly(error) from None


ORDER = {
    "Adam": ("maximize", "foreach"), "AdamW": ("maximize", "foreach"), "NAdam": ("maximize", "foreach"),
    "Adadelta": ("maximize", "capturable", "foreach"),
    "RAdam": ("maximize", "foreach", "capturable", "decoupled_weight_decay", "differentiable"),
    "RMSprop": ("momentum", "alpha", "eps", "centered", "weight_decay"),
    "Adagrad": ("lr_decay", "eps", "weight_decay", "initial_accumulator_value"),
    "Rprop": ("foreach", "maximize", "differentiable", "capturable"),
}  # fmt: skip
"""Order of options in PyTorch, of which programs print groups, where it is another one."""


def arrange(options: dict[str, Any], order: Sequence[str]) -> None:
    """Put some options in another order, in the places that they have."""
    turn = iter([k for k in order if k in options])
    items = [(k, options[k]) for k in [following(turn) if k in order else k for k in options]]
    options.clear()
    options.update(items)


@functools.cache
def named(name: str) -> type:
    """The class of ``torch.optim`` of a name."""
    home = getattr(home_optim, name)
    parent = Optimizer if name != "AdamW" else named("Adam")
    space: dict[str, Any] = {"__doc__": home.__doc__, "__init__": constructor(home.__init__), "_home": home}
    cls = type(name, (parent, home), space)
    cls.__module__ = f"torch.optim.{name.lower() if name != 'SparseAdam' else 'sparse_adam'}"
    return cls


def constructor(init: Callable[..., None]) -> Callable[..., None]:
    """``__init__`` with PyTorch's checks of parameters in front of the home class's."""

    @functools.wraps(init)
    def __init__(self: Any, params: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(params, Tensor):
            Optimizer.__init__(self, params, {})
        groups = list(params)
        if not groups:
            raise refuse("optimizer got an empty parameter list", TorchValueError)
        self.param_groups, self.defaults = [], {}
        called(functools.partial(init, **kwargs), self, groups, *args)
        for given in (self.defaults, *self.param_groups):
            arrange(given, ORDER.get(type(self).__name__, ()))

    return __init__


def _use_grad_for_differentiable(function: Any) -> Any:
    return function


def _get_value(x: Any) -> Any:
    return x.item() if isinstance(x, Value) else x


def _default_to_fused_or_foreach(params: Any, differentiable: bool, use_fused: bool = False) -> tuple[bool, bool]:
    return False, False


ParamsT = Any
__all__ = [
    "Optimizer", "ParamsT", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required",
]  # fmt: skip
