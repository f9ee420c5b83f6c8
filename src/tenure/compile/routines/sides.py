"""The decompositions that have code for small real matrices, several at once (``lanewise``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.compile.routines import householder, jacobi

BY_NAME: dict[str, Callable[..., tuple[Any, Callable[..., None]]]] = {
    "hermitian": jacobi.code,
    "orthogonal": householder.code,
}
"""Of a routine: from a builder, the type of elements and the sizes, whether matrices are small, and their code."""
