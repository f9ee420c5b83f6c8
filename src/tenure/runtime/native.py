"""Loader of the run time's own LLVM IR into the process, for good.

Threads may be inside this code while the interpreter shuts down, so it is never unloaded.
"""

import ctypes
import itertools
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import cache

import llvmlite.binding as llvm

from tenure.runtime.cache import DiskCache, digest

__all__ = ["LINUX", "libc", "load", "vector"]

LINUX: bool = (
    sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and ctypes.sizeof(ctypes.c_void_p) == 8
)
"""Whether the platform is one of the generated code: 64-bit Linux on x86-64 or aarch64."""

_numbers = itertools.count()


def load(source: str, *, exports: Sequence[str], imports: Mapping[str, int] | None = None) -> dict[str, int]:
    """The absolute addresses of the symbols `exports` of the module `source`, which stays loaded.

    imports: the absolute address of each symbol that the module declares and does not define.
    """
    builder = llvm.JITLibraryBuilder().add_object_img(_object(source))
    for name, address in (imports or {}).items():
        builder.import_symbol(name, address)
    for name in exports:
        builder.export_symbol(name)
    library = builder.link(_jit(), f"tenure.runtime.{next(_numbers)}")
    addresses = {name: library[name] for name in exports}
    library.detach()
    return addresses


def _object(source: str) -> bytes:
    """Machine code of a module, from the disk cache if it is there."""
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    version = ".".join(map(str, llvm.llvm_version_info))
    key = digest(b"runtime", *[part.encode() for part in (version, llvm.get_process_triple(), cpu, features, source)])
    disk = DiskCache.from_environment()
    found = disk.get(key) if disk is not None else None
    if found is None:
        with llvm.create_context() as context, llvm.parse_assembly(source, context) as module:
            module.verify()
            with llvm.create_new_module_pass_manager() as passes:
                passes.add_always_inliner_pass()
                passes.run(module, llvm.create_pass_builder(_machine(), llvm.create_pipeline_tuning_options()))
            found = _machine().emit_object(module)
        if disk is not None:
            disk.put(key, found)
    return found


def vector(size: int) -> int:
    """The numbers of so many bytes in a vector of this processor; 0 where it does not multiply and add at once."""
    has = llvm.get_host_cpu_features()
    if not (has.get("fma") or platform.machine() in ("aarch64", "arm64")):
        return 0
    wide = has.get("avx512f") and has.get("avx512vl")
    return (64 if wide else 32 if has.get("avx2") else 16) // size


def libc(*names: str) -> dict[str, int]:
    """Absolute addresses of functions of the C library."""
    process = ctypes.CDLL(None)
    return {name: ctypes.cast(process[name], ctypes.c_void_p).value or 0 for name in names}


@cache
def _jit() -> llvm.LLJIT:
    return llvm.create_lljit_compiler(_machine())


@cache
def _machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2, reloc="pic"
    )
