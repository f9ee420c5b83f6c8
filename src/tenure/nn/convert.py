"""Conversion of a module to another dtype: its places keep their dtypes, so they are replaced."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError
from tenure.values.operations.creation import check_device
from tenure.values.places.parameter import Parameter
from tenure.values.places.uninitialized import Uninitialized
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import check_methods, publish
from tenure.values.trace.given import flag


class Converted:
    """Methods of a module that convert what it holds."""

    def to(
        self,
        *args: DTypeLike | Tensor,
        dtype: DTypeLike | None = None,
        device: str | None = None,
        non_blocking: bool = False,
    ) -> Self:
        """Replace floating parameters and buffers by ones of another dtype; there is one device.

        A place keeps its dtype, so parameters are *replaced*: an optimizer made before raises TN597 at its
        next step. Gradients are converted, tied parameters stay tied. ``non_blocking`` has no effect.
        """
        flag("to: non_blocking", non_blocking)
        found = target(args, dtype, device)
        if found is not None:
            cast(self, found)
        return self

    def type(self, dst_type: DTypeLike) -> Self:
        """Convert to a dtype; see ``to``."""
        return self.to(as_dtype(dst_type))

    def float(self) -> Self:
        """Convert to float32; see ``to``."""
        return self.to(as_dtype("float32"))

    def double(self) -> Self:
        """Convert to float64; see ``to``."""
        return self.to(as_dtype("float64"))

    def half(self) -> Self:
        """Convert to float16; see ``to``."""
        return self.to(as_dtype("float16"))

    def bfloat16(self) -> Self:
        """Convert to bfloat16; see ``to``."""
        return self.to(as_dtype("bfloat16"))

    def cpu(self) -> Self:
        """Itself: everything is on the CPU."""
        return self

    def to_empty(self, *, device: str | None, recurse: bool = True) -> Self:
        """Write zeros to all parameters and buffers, those of modules below too unless ``recurse`` is False."""
        check_device(device)
        below = flag("to_empty: recurse", recurse)
        module: Any = self
        for owner in module.modules() if below else (module,):
            for place in (*owner._parameters.copy().values(), *owner._buffers.copy().values()):
                if place is not None and not isinstance(place, Uninitialized):
                    no_grad().apply(place.zero_)
        return self


def target(args: tuple[Any, ...], dtype: Any, device: Any) -> DType | None:
    """The dtype that ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)`` asks for."""
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, str) and arg.split(":")[0] in ("cpu", "cuda", "mps"):
            device = arg
        else:
            dtype = arg
    check_device(device)
    if dtype is None:
        return None
    found = as_dtype(dtype)
    if not found.is_floating:
        raise DTypeError(f"a module is converted to floating dtypes only, not to {found.name}")
    return found


def cast(module: Any, dtype: DType) -> None:
    """Replace floating parameters and buffers by ones of a dtype; what is shared stays shared."""
    twins: dict[int, Any] = {}
    for owner in module.modules():
        for name, place in {**owner._parameters, **owner._buffers}.items():
            if place is not None and place.dtype.is_floating and place.dtype is not dtype:
                if id(place) not in twins:
                    twins[id(place)] = (place, _converted(place, dtype))
                setattr(owner, name, twins[id(place)][1])


def _converted(place: Var, dtype: DType) -> Any:
    if isinstance(place, Uninitialized):
        return place.retyped(dtype)
    if not isinstance(place, Parameter):
        return Var(place.to(dtype))
    twin = Parameter(place.detach().to(dtype), place.requires_grad)
    if place.grad is not None:
        twin.grad = place.grad.to(dtype)
    return twin


def twin(module: Any, made: dict[int, Any]) -> Any:
    """A module like this one with places of its own, below it too; what is shared in the one is shared in the other.
    Attributes that are no parameters, buffers and modules are the same objects. ``made`` maps what has been copied."""
    new = made.get(id(module))
    if new is None:
        new = made[id(module)] = object.__new__(type(module))
        held = dict(vars(module))
        for which in ("_parameters", "_buffers"):
            held[which] = {
                name: place if place is None else made.setdefault(id(place), copy(place))
                for name, place in held[which].copy().items()
            }
        held["_modules"] = {name: m if m is None else twin(m, made) for name, m in held["_modules"].copy().items()}
        if module._hooks is not None:
            held["_hooks"] = module._hooks.copy()
        new.__setstate__(held)
    return new


publish(Converted, "to", "to_empty")
check_methods(Converted, "type")
