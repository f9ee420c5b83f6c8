"""Errors of the face: PyTorch's classes, with Tenure's lines."""

from __future__ import annotations

from typing import Any

from tenure.errors import DivisionByZero, DomainError, DTypeError, OutOfRange, ShapeError, TenureError
from tenure.values.rules.sites import here, site


class TorchError(TenureError, RuntimeError):
    """The error that PyTorch raises as a RuntimeError."""


class TorchShapeError(TorchError, ValueError):
    """The error that PyTorch raises as a RuntimeError, or a ValueError where the check is in Python."""


class TorchIndexError(TenureError, IndexError):
    """The error that PyTorch raises as an IndexError."""


class TorchBoundsError(TorchError, IndexError):
    """The error that PyTorch raises as an IndexError, or a RuntimeError where a kernel finds it."""


class TorchTypeError(TenureError, TypeError):
    """The error that PyTorch raises as a TypeError."""


class TorchValueError(TenureError, ValueError):
    """The error that PyTorch raises as a ValueError."""


CLASSES: dict[type, type[TenureError]] = {
    ShapeError: TorchShapeError,
    DomainError: TorchShapeError,
    DTypeError: TorchError,
    DivisionByZero: TorchError,
    OutOfRange: TorchBoundsError,
}
"""PyTorch's class for an error of the home library that is of another one."""


def translated(error: TenureError) -> TenureError:
    """An error of the home library in PyTorch's class."""
    made = next((CLASSES[of] for of in type(error).__mro__ if of in CLASSES), None)
    if made is None:
        return error
    return made(error.message, code=error.code, at=error.at, notes=error.notes, help=error.help)


def refuse(message: str, kind: Any = TorchError, help: str | None = None) -> TenureError:
    """Error at the user's line."""
    error: TenureError = kind(message, at=site(here()), help=help)
    return error
