"""Names of ``torch`` beside the table: modes, random state, settings, checks, foreach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tenure as tn
from tenure.torch.cells import Tensor
from tenure.torch.cells.anomaly import Switch
from tenure.torch.cells.inference import is_inference_mode_enabled as is_inference_mode_enabled
from tenure.torch.dtypes import OF_HOME, home_dtype
from tenure.torch.errors import TorchTypeError, refuse
from tenure.torch.names.arguments import weighed
from tenure.torch.names.functions import function
from tenure.torch.streams import as_bytes, of_bytes
from tenure.values.operations import generator

e, inf, nan, pi, newaxis = math.e, math.inf, math.nan, math.pi, None
SymInt, SymFloat, SymBool = int, float, bool
no_grad, enable_grad, inference_mode = tn.no_grad, tn.enable_grad, tn.inference_mode
set_grad_enabled, is_grad_enabled = tn.set_grad_enabled, tn.is_grad_enabled
set_printoptions = tn.set_printoptions
manual_seed, seed, initial_seed = generator.manual_seed, generator.seed, generator.initial_seed


def get_rng_state() -> Any:
    """The state of the random numbers, as a tensor of bytes."""
    return as_bytes(tn.get_rng_state())


def set_rng_state(new_state: Any) -> None:
    """Set the state of the random numbers."""
    tn.set_rng_state(of_bytes(new_state))


def is_anomaly_enabled() -> bool:
    """Whether a backward looks for NaN."""
    return Switch.on


def is_anomaly_check_nan_enabled() -> bool:
    """Whether the anomaly mode, where it is on, looks for NaN."""
    return Switch.check_nan


def promote_types(type1: Any, type2: Any) -> Any:
    """The dtype that holds two."""
    return OF_HOME[tn.promote_types(home_dtype(type1), home_dtype(type2))]


def result_type(tensor: Any, other: Any) -> Any:
    """The dtype of an operation on two operands, tensors or numbers."""
    given = weighed(*[x._read() if isinstance(x, Tensor) else x for x in (tensor, other)])
    return OF_HOME[tn.result_type(*given)]


def can_cast(from_: Any, to: Any) -> bool:
    """Whether a cast is allowed in place: to a dtype of no lower category."""
    rank = {"b": 0, "u": 1, "i": 1, "h": 2, "f": 2, "c": 3}
    a, b = home_dtype(from_), home_dtype(to)
    return rank[a.kind] <= rank[b.kind]


def _disable_dynamo(fn: Any = None, recursive: bool = True) -> Any:
    """The function itself, or a decorator: there is no other compiler to keep away."""
    return (lambda f: f) if fn is None else fn


def typename(obj: Any) -> str:
    """The name of the type of an object; of a tensor its older class."""
    if isinstance(obj, Tensor):
        found: Any = obj
        return str(found.type())
    of = obj if hasattr(obj, "__qualname__") else type(obj)
    return of.__qualname__ if of.__module__ == "builtins" else f"{of.__module__}.{of.__qualname__}"


def sym_int(a: Any) -> int:
    """The integer part of a number."""
    return int(a)


def is_storage(obj: Any) -> bool:
    """False: there are no storages."""
    return False


class _Settings:
    threads = 1
    interop = 1
    deterministic = False
    warn_only = False
    precision = "highest"
    warn_always = False


def get_num_threads() -> int:
    """The number of threads that was asked for."""
    return _Settings.threads


def set_num_threads(n: int) -> None:
    """Accepted: Tenure's threads are set by TENURE_NUM_THREADS, and results do not depend on their number."""
    if n <= 0:
        raise refuse("set_num_threads expects a positive integer")
    _Settings.threads = n


get_num_interop_threads, set_num_interop_threads = get_num_threads, set_num_threads


def set_flush_denormal(mode: bool) -> bool:
    """False: numbers below the normal ones are never flushed to zero, as where PyTorch's processor cannot."""
    if not isinstance(mode, bool):
        raise refuse(f"flush_denormal expects a bool, but got {type(mode).__name__}", TorchTypeError)
    return False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: results are deterministic."""
    _Settings.deterministic, _Settings.warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """Whether deterministic results were asked for."""
    return _Settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether only a warning was asked for."""
    return _Settings.warn_only


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """Accepted: results are deterministic."""
    mode = ["default", "warn", "error"].index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """The mode that was asked for."""
    return 0 if not _Settings.deterministic else 1 if _Settings.warn_only else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: products of float32 are of full precision."""
    if precision not in ("highest", "high", "medium"):
        raise refuse(f"'precision' must be one of: 'highest', 'high', 'medium', but got '{precision}'")
    _Settings.precision = precision


def get_float32_matmul_precision() -> str:
    """The precision that was asked for."""
    return _Settings.precision


def set_warn_always(b: bool, /) -> None:
    """Accepted."""
    _Settings.warn_always = b


def is_warn_always_enabled() -> bool:
    """Whether repeated warnings were asked for."""
    return _Settings.warn_always


def compiled_with_cxx11_abi() -> bool:
    """True."""
    return True


def _assert(condition: Any, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _check(cond: Any, message: Any = None) -> None:
    if not cond:
        raise RuntimeError("Expected cond to be True" if message is None else message())


def _assert_async(x: Any, message: str = "Expected Tensor with single nonzero value") -> None:
    if not x:
        raise RuntimeError(message)


def _shape_as_tensor(x: Any) -> Any:
    return Tensor._of(tn.tensor(list(x._aval.shape), dtype=tn.int64))


def _each(xs: Any, k: int) -> Any:
    return xs[k] if isinstance(xs, list | tuple) else xs


def _foreach(name: str) -> Any:
    """Function of lists of tensors: one of the table for each."""
    of = function("torch", name)

    def apply(self: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        out = []
        for k, x in enumerate(self):
            out.append(of(x, *[_each(a, k) for a in args], **{n: _each(a, k) for n, a in kwargs.items()}))
        return tuple(out)

    return apply


def _foreach_in_place(name: str) -> Any:
    """Function that writes each tensor of a list."""

    def apply(self: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        for k, x in enumerate(self):
            getattr(x, name)(*[_each(a, k) for a in args], **{n: _each(a, k) for n, a in kwargs.items()})

    return apply


def __getattr__(name: str) -> Any:
    if name == "default_generator":
        return generator.default_generator()
    if not name.startswith("_foreach_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    of = name.removeprefix("_foreach_")
    found = _foreach_in_place(of) if of.endswith("_") else _foreach(of)
    globals()[name] = found
    return found
