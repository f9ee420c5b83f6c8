"""The processor that machine code is generated for.

It is this machine's own, unless `TENURE_CPU` (or an argument) names one of `BASELINES`, so that tests can compare
the bits of AVX2 and AVX-512 builds on one machine.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from tenure.errors import TenureError

__all__ = ["BASELINES", "Target", "checks_bounds", "choose_target", "llvm", "llvm_version"]

_V3 = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
BASELINES = {
    "x86-64-v3": _V3,
    "x86-64-v4": (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
}
"""The baselines that can be asked for by name, with the features a machine must have to run them."""


@dataclass(frozen=True, slots=True)
class Target:
    """A processor as LLVM names it: triple, CPU, features (`+avx2,-avx512f,…`), and its widest vector in bits."""

    triple: str
    cpu: str
    features: str
    vector_bits: int

    def machine(self, level: int = 3) -> Any:
        """A fresh LLVM TargetMachine of a level; an engine has its own ones, since sharing one crashes."""
        of = {"cpu": self.cpu, "features": self.features}
        target = llvm().Target.from_triple(self.triple)
        return target.create_target_machine(**of, opt=level, reloc="pic", codemodel="small")


@cache
def llvm() -> Any:
    """llvmlite's binding, made ready for this machine; imported when first needed, as loading it takes 50–100 ms."""
    binding = import_module("llvmlite.binding")
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def llvm_version() -> str:
    """The versions of llvmlite and of its LLVM: `0.50.0/22.1.0`."""
    return f"{import_module('llvmlite').__version__}/{'.'.join(map(str, llvm().llvm_version_info))}"


def choose_target(cpu: str | None = None) -> Target:
    """The target named by `cpu`, else by `TENURE_CPU`, else ("host") this machine's own.

    Raises TenureError where the name is unknown or this machine cannot run it.
    """
    cpu = cpu or os.environ.get("TENURE_CPU") or "host"
    binding = llvm()
    triple, has = binding.get_process_triple(), _host_features()
    if cpu == "host":
        features = ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(has.items()))
        return Target(triple, binding.get_host_cpu_name(), features, _vector_bits(has))
    needs = BASELINES.get(cpu)
    if needs is None:
        raise TenureError(f"no CPU {cpu!r} to generate code for", help=f"TENURE_CPU is host, {', '.join(BASELINES)}")
    if missing := [name for name in needs if not has.get(name)]:
        raise TenureError(f"this machine cannot run code for {cpu}: it has no {', '.join(missing)}")
    return Target(triple, cpu, "", _vector_bits(dict.fromkeys(needs, True)))


def checks_bounds() -> bool:
    """Whether kernels are to check their accesses, for debugging (``bounds``)."""
    return os.environ.get("TENURE_DEBUG_BOUNDS", "0") not in ("", "0")


def _host_features() -> Mapping[str, bool]:
    try:
        features: Mapping[str, bool] = llvm().get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell on this platform: its defaults for the CPU's name hold
        return {}
    return features


def _vector_bits(has: Mapping[str, bool]) -> int:
    if has.get("avx512f") and has.get("avx512vl"):
        return 512
    return 256 if has.get("avx2") else 128
