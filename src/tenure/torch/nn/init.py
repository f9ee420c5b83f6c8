"""``torch.nn.init``: each function writes its tensor outside the graph and returns it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from tenure.errors import TenureError
from tenure.nn import init as home
from tenure.torch.cautions import EMPTY, caution
from tenure.torch.cells import Tensor
from tenure.torch.errors import plainly, translated
from tenure.torch.nn.places import Waiting
from tenure.values.operations.factories import zeros
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad

NAMES = [
    "uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_", "eye_", "dirac_", "xavier_uniform_",
    "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_", "sparse_",
]  # fmt: skip


def filling(name: str) -> Callable[..., Any]:
    """Function that fills a tensor as the home library's fills a place."""
    function = getattr(home, name)

    @functools.wraps(function)
    def fill(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(tensor, Waiting):
            raise ValueError(
                "Attempted to use an uninitialized parameter in an initialization; call the lazy module once first"
            )
        if 0 in tensor._aval.shape and function.__name__.startswith("kaiming"):
            caution(EMPTY)
        place = Var(zeros(tensor._aval.shape, dtype=tensor._aval.dtype))
        try:
            function(place, *args, **kwargs)
        except TenureError as error:
            raise translated(error) from None
        no_grad().apply(tensor._assign, place._read())
        return tensor

    fill.__module__ = "torch.nn.init"
    return fill


def older(name: str) -> Callable[..., Any]:
    """The old name of a function, which warns."""

    def call(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.", FutureWarning, stacklevel=2
        )
        return globals()[name](*args, **kwargs)

    call.__name__ = name[:-1]
    return call


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain that goes with a nonlinearity."""
    try:
        return home.calculate_gain(nonlinearity, param)
    except ValueError as error:
        raise plainly(error) from None


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = 1
    for n in tensor.shape[2:]:
        field *= n
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _no_grad_uniform_(tensor: Tensor, a: float, b: float, generator: Any = None) -> Any:
    return globals()["uniform_"](tensor, a, b, generator)


def _no_grad_normal_(tensor: Tensor, mean: float, std: float, generator: Any = None) -> Any:
    return globals()["normal_"](tensor, mean, std, generator)


globals().update({name: filling(name) for name in NAMES})
globals().update({name[:-1]: older(name) for name in NAMES if name not in ("trunc_normal_", "zeros_", "ones_")})
__all__ = [*NAMES, "calculate_gain"]
