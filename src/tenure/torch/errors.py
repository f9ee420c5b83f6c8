"""Errors of the face: PyTorch's classes, with Tenure's lines."""

from __future__ import annotations

from typing import Any

from tenure.errors import DivisionByZero, DomainError, DTypeError, OutOfRange, ShapeError, TenureError
from tenure.errors import LinAlgError as HomeLinAlgError
from tenure.torch.messages import words
from tenure.values.rules.sites import here, site


class Shown(TenureError):
    """An error whose class and text are spelled as in PyTorch; a traceback has the lines below."""

    def __str__(self) -> str:
        return self.message

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        head = f"{self.code}: {self.message}" if self.code else self.message
        below = self.render()[len(head) + 1 :]
        return [below] if below else []

    def __reduce__(self) -> Any:
        return again, (KINDS.index(type(self)), self.message, self.code, self.help)


class TorchError(Shown, RuntimeError):
    """The error that PyTorch raises as a RuntimeError."""


class TorchShapeError(TorchError, ValueError):
    """The error that PyTorch raises as a RuntimeError, or a ValueError where the check is in Python."""


class TorchIndexError(Shown, IndexError):
    """The error that PyTorch raises as an IndexError."""


class TorchBoundsError(TorchError, IndexError):
    """The error that PyTorch raises as an IndexError, or a RuntimeError where a kernel finds it."""


class TorchTypeError(Shown, TypeError):
    """The error that PyTorch raises as a TypeError."""


class TorchValueError(Shown, ValueError):
    """The error that PyTorch raises as a ValueError."""


class TorchNotImplementedError(TorchError, NotImplementedError):
    """The error that PyTorch raises as a NotImplementedError."""


class TorchAssertionError(Shown, AssertionError):
    """The error that PyTorch raises as an AssertionError."""


class LinAlgError(TorchError):
    """The error of a matrix without such a decomposition or inverse (``torch.linalg.LinAlgError``)."""


KINDS = (
    TorchError, TorchShapeError, TorchIndexError, TorchBoundsError, TorchTypeError, TorchValueError,
    TorchNotImplementedError, TorchAssertionError, LinAlgError,
)  # fmt: skip
NAMES = ("Runtime", "Runtime", "Index", "Index", "Type", "Value", "NotImplemented", "Assertion", "LinAlg")
for _kind, _name in zip(KINDS, NAMES, strict=True):
    _kind.__name__ = _kind.__qualname__ = f"{_name}Error"
    _kind.__module__ = "builtins"
LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"


def again(kind: int, message: str, code: str | None, help: str | None) -> TenureError:
    """An error that was pickled."""
    return KINDS[kind](message, code=code, help=help)


CLASSES: dict[type, type[TenureError]] = {
    HomeLinAlgError: LinAlgError,
    ShapeError: TorchShapeError,
    DomainError: TorchShapeError,
    DTypeError: TorchError,
    DivisionByZero: TorchError,
    OutOfRange: TorchBoundsError,
}
"""PyTorch's class for an error of the home library that is of another one."""


def class_of(name: str) -> type[TenureError]:
    """Class of a row of the messages."""
    return KINDS[NAMES.index(name)]


def translated(error: TenureError) -> TenureError:
    """An error of the home library in PyTorch's class, and in its words where programs are known to print them."""
    if isinstance(error, Shown):
        return error
    made = next((CLASSES[of] for of in type(error).__mro__ if of in CLASSES), None)
    found = words(error.message)
    if found is None:
        said = error.message
    else:
        kind, said = found
        made = made if kind is None else class_of(kind)
        made = made or TorchError
    if made is None:
        return error
    return made(said, code=error.code, at=error.at, notes=error.notes, help=error.help)


def plainly(error: Exception) -> Exception:
    """A plain error of the home library's constructors in PyTorch's words."""
    found = words(str(error))
    if found is None:
        return error
    return class_of(found[0] or "Value")(found[1])


def refuse(message: str, kind: Any = TorchError, help: str | None = None) -> TenureError:
    """Error at the user's line."""
    error: TenureError = kind(message, at=site(here()), help=help)
    return error
