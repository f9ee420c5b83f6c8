"""Methods of a tensor of one kind, made by name: casts, shapes changed in place, random writes."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import tenure as tn
from tenure.errors import TenureError
from tenure.torch.cells import Tensor, unwrap
from tenure.torch.cells.inference import refuse_inference
from tenure.torch.cells.roles import seen_as
from tenure.torch.cells.windows import layout
from tenure.torch.cells.writes import is_recorded
from tenure.torch.dtypes import BY_NAME
from tenure.torch.errors import TorchNotImplementedError, TorchTypeError, refuse, translated
from tenure.torch.messages import spelled
from tenure.values.places.var import Var


def cast(name: str) -> Callable[[Any], Any]:
    """Method that gives the tensor in a dtype."""
    target = BY_NAME[CASTS[name]].home
    assert target is not None

    def method(self: Any, memory_format: Any = None) -> Any:
        if memory_format is None and self._aval.dtype is target:
            return self
        return self._in(target, memory_format=memory_format)

    return method


CASTS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "long": "int64",
    "int": "int32", "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64",
    "cdouble": "complex128",
}  # fmt: skip


def reseated(name: str) -> Callable[..., Any]:
    """Method that gives the object the shape of a view of it; windows that were taken before keep theirs."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._home is not None:
            refuse_inference(self)
        is_recorded(self)
        before = [r for r in self._borrows if r() is not None]
        if self._window is not None or before or self._lent is not None:
            if self._leaf is not None or name == "as_strided_":
                raise refuse(f"{name} of a view, or of a tensor that has views, is not supported here",
                             help=f"x = x.{name[:-1]}(…)")
            return seen_as(self, lambda x: getattr(x, name[:-1])(*args, **kwargs))
        view = getattr(self, name[:-1])(*args, **kwargs)
        if view is not self:
            at = layout(view)
            value = view._read()
            self._layout = None if at.is_contiguous else at
            self._borrows = ()
            self._val = value
            value._held = True
        return self

    return method


RESEATED = ("squeeze_", "unsqueeze_", "transpose_", "swapaxes_", "swapdims_", "t_", "as_strided_")


def check_parameter(name: str, x: Any) -> None:
    """Refuse what is no number; the probabilities of ``bernoulli_`` may be a tensor."""
    if isinstance(x, Tensor) and name == "bernoulli_":
        if not x._aval.dtype.is_floating:
            raise refuse(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{spelled(x._aval.dtype.name)}'",
                         TorchNotImplementedError)
    elif not isinstance(x, Real) and not (isinstance(x, Tensor) and not x._aval.shape):
        kind = "int" if name == "random_" else "float"
        raise refuse(f"{name}(): a parameter must be {kind}, not {type(x).__name__}", TorchTypeError)


def check_drawn(name: str, a: Any = 0, b: Any = 1, *rest: Any) -> None:
    """Refuse parameters that a distribution does not have."""
    if name == "geometric_" and not 0 < a < 1:
        raise refuse(f"geometric_ expects p to be in (0, 1), but got p={a}")
    if name == "uniform_" and a > b:
        raise refuse(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    if name in ("cauchy_", "log_normal_") and b <= 0:
        raise refuse(f"{name} expects a positive scale, but found {b}")


ENDS = {("uniform_", "from"): "a", ("uniform_", "to"): "b", ("random_", "from"): "low", ("random_", "to"): "high"}
"""Names of the ends of a range, which the home library has of its own."""


def drawn(name: str) -> Callable[..., Any]:
    """Method that writes random numbers."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs = {ENDS.get((name, k), k): v for k, v in kwargs.items()}
        for x in (*args, *[v for k, v in kwargs.items() if k != "generator" and v is not None]):
            check_parameter(name, x)
        check_drawn(name, *args)
        try:
            twin = Var.of(tn.detach(self._read()))
            getattr(twin, name)(*[unwrap(a) for a in args], **{k: unwrap(v) for k, v in kwargs.items()})
        except TenureError as error:
            raise translated(error) from None
        return self._assign(twin._read())

    return method


RANDOM = ("uniform_", "normal_", "log_normal_", "exponential_", "cauchy_", "geometric_", "random_", "bernoulli_")
