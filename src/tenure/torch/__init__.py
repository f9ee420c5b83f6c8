"""PyTorch's names with PyTorch's meaning, on Tenure's engine and by its laws.

A program prints what PyTorch prints, or stops with an error that names both lines (docs/torch.md). Names are found when
they are asked for: ``INDEX`` says which room has each, and the table of ``names`` has the rest.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

INDEX = """
dtypes: finfo iinfo dtype get_default_dtype set_default_dtype set_default_tensor_type
devices: device layout memory_format get_default_device set_default_device
sizes: Size
names.making: tensor as_tensor asarray from_numpy frombuffer from_dlpack
names.sparse: sparse_coo_tensor
names.compressed: sparse_csr_tensor
names.rest:
    manual_seed seed initial_seed get_rng_state set_rng_state is_inference_mode_enabled set_printoptions
    is_anomaly_enabled is_anomaly_check_nan_enabled
    promote_types result_type can_cast typename is_storage sym_int
    set_flush_denormal get_num_threads set_num_threads get_num_interop_threads set_num_interop_threads default_generator
    use_deterministic_algorithms are_deterministic_algorithms_enabled is_deterministic_algorithms_warn_only_enabled
    set_deterministic_debug_mode get_deterministic_debug_mode
    set_float32_matmul_precision get_float32_matmul_precision is_warn_always_enabled set_warn_always
    e inf nan pi newaxis SymInt SymFloat SymBool compiled_with_cxx11_abi
    _foreach_add _foreach_add_ _foreach_sub _foreach_sub_ _foreach_mul _foreach_mul_ _foreach_div _foreach_div_
    _foreach_neg _foreach_neg_ _foreach_sqrt _foreach_sqrt_ _foreach_abs _foreach_abs_ _foreach_reciprocal_
    _foreach_norm _foreach_lerp _foreach_lerp_ _foreach_addcmul _foreach_addcmul_ _foreach_addcdiv _foreach_addcdiv_
    _foreach_copy_ _foreach_zero_ _foreach_maximum _foreach_maximum_ _foreach_minimum _foreach_minimum_ _foreach_pow
    _foreach_exp _foreach_exp_ _foreach_clamp_max _foreach_clamp_max_ _foreach_clamp_min _foreach_clamp_min_
    _foreach_clone _foreach_max _foreach_pow_ _foreach_reciprocal _foreach_acos _foreach_acos_ _foreach_asin
    _foreach_asin_ _foreach_atan _foreach_atan_ _foreach_ceil _foreach_ceil_ _foreach_cos _foreach_cos_ _foreach_cosh
    _foreach_cosh_ _foreach_erf _foreach_erf_ _foreach_erfc _foreach_erfc_ _foreach_expm1 _foreach_expm1_
    _foreach_floor _foreach_floor_ _foreach_frac _foreach_frac_ _foreach_lgamma _foreach_lgamma_ _foreach_log
    _foreach_log_ _foreach_log10 _foreach_log10_ _foreach_log1p _foreach_log1p_ _foreach_log2 _foreach_log2_
    _foreach_round _foreach_round_ _foreach_rsqrt _foreach_rsqrt_ _foreach_sigmoid _foreach_sigmoid_ _foreach_sign
    _foreach_sign_ _foreach_sin _foreach_sin_ _foreach_sinh _foreach_sinh_ _foreach_tan _foreach_tan_ _foreach_tanh
    _foreach_tanh_ _foreach_trunc _foreach_trunc_
    _assert _check _assert_async _shape_as_tensor _disable_dynamo
cells: Tensor aliasing
streams: Generator
autograd.modes: no_grad enable_grad inference_mode set_grad_enabled is_grad_enabled
autograd: Variable
saving: save load
compiling: compile jit compiler
accelerators: mps xpu mtia accelerator cpu get_device_module
shadow: install
amp:
    autocast is_autocast_enabled is_autocast_cpu_enabled is_autocast_cache_enabled get_autocast_dtype
    get_autocast_cpu_dtype get_autocast_gpu_dtype
    GradScaler
func: vmap
futures: Future
cuda: OutOfMemoryError
storages: TypedStorage UntypedStorage
"""
"""Rooms of this package, and the names that each has."""
SPACES = """
masked nn signal linalg fft special random return_types sparse _C amp autograd backends cuda distributed distributions
_utils _tensor storage func functional futures hub multiprocessing optim overrides profiler quasirandom serialization
testing types utils version
"""
ROOMS = SPACES.split()
"""Namespaces that are rooms of their own."""


def _homes() -> dict[str, str]:
    homes, room = {}, ""
    for word in INDEX.split():
        if word.endswith(":"):
            room = word[:-1]
        else:
            homes[word] = room
    return homes


_HOMES = _homes()
__version__ = "2.13.0+tenure"


def __getattr__(name: str) -> Any:
    if name == "__config__":
        return importlib.import_module("tenure.torch.config")
    if name.startswith("__"):
        raise AttributeError(f"module 'torch' has no attribute {name!r}", name=name)
    importlib.import_module("tenure.torch.names.install")
    if name in ROOMS:
        return importlib.import_module(f"tenure.torch.{name}")
    if name == "torch":
        return sys.modules[__name__]
    absent = importlib.import_module("tenure.torch.absent").made(name)
    if absent is not None:
        return absent
    room = _HOMES.get(name)
    if room is not None:
        found = getattr(importlib.import_module(f"tenure.torch.{room}"), name)
    else:
        found = importlib.import_module("tenure.torch.names.namespace").named(name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    known = importlib.import_module("tenure.torch.names.namespace").names()
    return sorted({*_HOMES, *ROOMS, *known})
