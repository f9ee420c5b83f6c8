"""``torch.amp``: mixed precision. On the CPU products are of bfloat16 under autocast, computed in float32 and rounded;
a scaler that is not enabled passes losses through."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tenure.torch import virtual
from tenure.torch.cells import Tensor
from tenure.torch.cells.tensor import mapped
from tenure.torch.devices import device
from tenure.torch.dtypes import bfloat16, float16, float64, home_dtype
from tenure.torch.names.precision import AUTOCAST, tell

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


class autocast:
    """Context, or decorator, of mixed precision: on "cpu" products are of bfloat16, and losses of float32.

    For a device "cuda", which is not there, it changes nothing, as in PyTorch."""

    def __init__(
        self, device_type: str = "cpu", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        device(device_type)
        self.device, self._enabled = device_type, enabled
        self.fast_dtype = dtype or (bfloat16 if device_type == "cpu" else float16)
        self._before: list[Any] = []
        if enabled and device_type == "cuda":
            warnings.warn(
                "User provided device_type of 'cuda', but CUDA is not available. Disabling", UserWarning, stacklevel=2
            )
            self._enabled = False
        elif enabled and dtype not in (None, bfloat16, float16):
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtype of torch.bfloat16, torch.float16 currently.",
                UserWarning,
                stacklevel=2,
            )
            self._enabled = False

    def __enter__(self) -> autocast:
        self._before.append(AUTOCAST.dtype)
        if self._enabled:
            tell(import_module("tenure.torch.nn"))
        if self.device == "cpu":
            AUTOCAST.dtype = home_dtype(self.fast_dtype or bfloat16) if self._enabled else None
        return self

    def __exit__(self, *error: object) -> None:
        AUTOCAST.dtype = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return call


class GradScaler:
    """Scaler of losses: on the CPU it scales as PyTorch's does; one for CUDA, which is not there, passes through."""

    def __init__(
        self, device: str = "cuda", init_scale: float = 65536.0, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        if enabled and device == "cuda":
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2
            )
            enabled = False
        self._device, self._enabled = device, enabled
        self._scale, self._growth, self._backoff = init_scale, growth_factor, backoff_factor
        self._interval, self._tracker = growth_interval, 0
        self._unscaled: dict[int, bool] = {}
        self._stepped: set[int] = set()
        self._is_used = False

    def scale(self, outputs: Any) -> Any:
        """A loss times the scale, or several."""
        if not self._enabled:
            return outputs
        self._is_used = True
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        return type(outputs)([self.scale(x) for x in outputs])

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale."""
        if not self._enabled:
            return
        self._check_used("unscale_")
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if id(optimizer) in self._unscaled:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        finite, found = True, False
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    if p.grad.dtype == float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    p.grad.mul_(1.0 / self._scale)
                    finite, found = finite and bool(p.grad.isfinite().all()), True
        if found:
            self._unscaled[id(optimizer)] = finite

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """A step of the optimizer, unless a gradient is not finite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_used("step")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._unscaled:
            self.unscale_(optimizer)
        if id(optimizer) not in self._unscaled:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        self._stepped.add(id(optimizer))
        return optimizer.step(*args, **kwargs) if self._unscaled[id(optimizer)] else None

    def update(self, new_scale: Any = None) -> None:
        """Adapt the scale."""
        if not self._enabled:
            return
        self._check_used("update")
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._unscaled:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif not all(self._unscaled.values()):
            self._scale, self._tracker = self._scale * self._backoff, 0
        else:
            self._tracker += 1
            if self._tracker == self._interval:
                self._scale, self._tracker = self._scale * self._growth, 0
        self._unscaled.clear()
        self._stepped.clear()

    def _check_used(self, name: str) -> None:
        if not self._is_used:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or"
                " outputs) earlier in the iteration."
            )

    def get_scale(self) -> float:
        """The scale."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        """Whether it scales."""
        return self._enabled

    def get_growth_factor(self) -> float:
        """The factor by which the scale grows."""
        return self._growth

    def get_backoff_factor(self) -> float:
        """The factor by which the scale shrinks."""
        return self._backoff

    def get_growth_interval(self) -> int:
        """After how many steps the scale grows."""
        return self._interval

    def state_dict(self) -> dict[str, Any]:
        """The state, by PyTorch's names."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale, "growth_factor": self._growth, "backoff_factor": self._backoff,
            "growth_interval": self._interval, "_growth_tracker": self._tracker,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        if self._enabled:
            self._scale, self._growth = state_dict["scale"], state_dict["growth_factor"]
            self._backoff, self._interval = state_dict["backoff_factor"], state_dict["growth_interval"]
            self._tracker = state_dict["_growth_tracker"]


def custom_fwd(fwd: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Decorator of ``forward`` of a Function: with ``cast_inputs`` it runs without autocast, on inputs cast to that."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def call(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        ctx._dtype, on = get_autocast_dtype(device_type), is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if not on or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_cast(args, cast_inputs), **_cast(kwargs, cast_inputs))

    return call


def custom_bwd(bwd: Any = None, *, device_type: str = "cuda") -> Any:
    """Decorator of ``backward`` of a Function: it runs with autocast as its ``forward`` did."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def call(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return call


def _cast(x: Any, dtype: Any) -> Any:
    if isinstance(x, Tensor):
        given: Any = x
        return given.to(dtype) if given.is_floating_point() and given.dtype != float64 else x
    return mapped(lambda y: _cast(y, dtype), x)


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast changes dtypes on a device."""
    return device_type == "cpu" and AUTOCAST.dtype is not None


def is_autocast_cpu_enabled() -> bool:
    """Whether autocast changes dtypes on the CPU."""
    return AUTOCAST.dtype is not None


def is_autocast_cache_enabled() -> bool:
    """True, as in PyTorch where nobody has changed it."""
    return True


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype that autocast would take for a device."""
    return bfloat16 if device_type == "cpu" else float16


def get_autocast_cpu_dtype() -> Any:
    """The dtype that autocast would take on the CPU."""
    return bfloat16


def get_autocast_gpu_dtype() -> Any:
    """The dtype that autocast would take for CUDA."""
    return float16


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast is accepted for a device."""
    return device_type in ("cpu", "cuda")


virtual.room("amp.grad_scaler", lambda name: GradScaler, ["GradScaler"])
virtual.room(
    "amp.autocast_mode", lambda name: globals()[name], ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
)
