"""Routines: functions of the run time that sort, search, transform and call LAPACK, generated once for every program.

    i64 routine(ptr buffers, ptr numbers)

They are called as generic functions are: ``buffers`` has the addresses of operands, result and room between, and
``numbers`` the sizes. A compiled program reaches them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tenure.compile.late import late

__all__ = ["EMITTERS", "emitter", "of_library", "symbols"]

EMITTERS: dict[str, tuple[str, Any]] = {
    "order32": ("ordering", 32),
    "order64": ("ordering", 64),
    "first_equal32": ("equals", 32),
    "first_equal64": ("equals", 64),
    "search32": ("searching", 32),
    "search64": ("searching", 64),
    "searchf32": ("searching", "f32"),
    "searchf64": ("searching", "f64"),
    "exchanges32": ("exchanges", 32),
    "correlate32": ("correlation", 32),
    "correlate64": ("correlation", 64),
    "filters32": ("filters", 32),
    "filters64": ("filters", 64),
}
TRANSFORMS = ("c2c64", "c2c128", "r2c32", "r2c64", "c2r64", "c2r128")
EMITTERS |= {name: ("fourier", (name[:3], int(name[3:]))) for name in TRANSFORMS}
LINEAR = (
    *("cholesky", "factors", "solved", "triangular", "orthogonal", "hermitian", "singular", "general"),
    *("indefinite", "divided", "reflections", "squared"),
)
EMITTERS |= {f"{name}_{kind}": ("lapack", (name, kind)) for name in LINEAR for kind in "sdcz"}
"""The module that writes a routine, and what it writes: the bits of keys, a transform and the bits of the first
operand's elements, or a decomposition and BLAS's letter."""
LIBRARY = {
    "cholesky": ("potrf",),
    "factors": ("getrf",),
    "solved": ("getrs",),
    "orthogonal": ("gelqf", "orglq", "unglq"),
    "hermitian": ("syevd", "heevd"),
    "singular": ("gesdd",),
    "general": ("geev",),
    "indefinite": ("sytrf", "hetrf"),
    "divided": ("sytrs", "hetrs"),
}
"""The functions of LAPACK that a routine calls."""


def symbols() -> list[str]:
    """The names by which routines reach LAPACK and BLAS in the library."""
    fortran = [f"scipy_{kind}{name}_" for names in LIBRARY.values() for name in names for kind in "sdcz"]
    return [*fortran, *[f"scipy_cblas_{kind}{name}" for name in ("gemm", "trsm", "trsv") for kind in "sdcz"]]


def of_library(name: str) -> bool:
    """Whether a routine calls LAPACK or BLAS, which may be missing."""
    return EMITTERS[name][0] == "lapack"


def emitter(name: str) -> Callable[[Any, str], None]:
    """The function that adds a routine to a module under a name."""
    return partial(_emit, *EMITTERS[name])


def _emit(module: str, which: Any, into: Any, name: str) -> None:
    late(f"routines.{module}").emit(into, name, which)
