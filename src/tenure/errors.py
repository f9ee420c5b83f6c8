"""The errors of Tenure. Each names its law, the line it happened at, the other lines, and what to write.

    TenureError
    ├── ShapeError         (ValueError)      TN802  shapes do not agree
    │   ├── ScalarError    (TypeError)       TN802  a 0-dimensional tensor is no sequence
    │   └── MaskError      (IndexError)      TN802  a mask has another shape than what it selects from
    ├── DTypeError         (TypeError)       TN802  dtypes do not agree, or there is no such dtype
    ├── DomainError        (ValueError)      TN802  a parameter lies outside of what it may be
    ├── OutOfRange         (IndexError)      TN801  an index lies outside its axis
    ├── DivisionByZero     (ZeroDivisionError) TN802  a whole number is divided by 0
    ├── LinAlgError        (RuntimeError, ValueError) TN802  a matrix has no such decomposition or inverse
    ├── GradientError      (RuntimeError)    TN804  there is nothing to differentiate
    ├── OutOfMemory        (MemoryError)             there is no memory for a result
    ├── FileError          (RuntimeError, ValueError) TN805  a file is damaged, or holds code
    ├── AnomalyError       (RuntimeError)            an operation has made a NaN or an infinity, in detect_anomaly()
    ├── StateDictError     (RuntimeError)            a state_dict does not fit what it is loaded into
    ├── VmapError          (RuntimeError)            what one example of a vmapped function cannot do
    ├── CollectiveError    (RuntimeError)            ranks wait for each other at lines that do not go together
    ├── RankLost           (RuntimeError)            a rank has died
    ├── OwnershipError     (RuntimeError)
    │   ├── UseAfterMove                     TN382  a moved value or a consumed graph is used
    │   ├── BorrowError                      TN499, TN502, TN503, TN506  given by `code=`
    │   ├── WriteError                       TN594  a value, or a shared loan, is written
    │   └── StaleBorrowError                 TN597  a borrow is written through after another write
    └── InternalError      (AssertionError)         a Program or generated code that a verifier refuses

An error copies and pickles to the same text, so a poisoned value can raise it again at every reader.
"""

import linecache
import os
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import CodeType
from typing import Self, TypeVar

from tenure.diagnostic import Diagnostic, Label, Span
from tenure.report import text
from tenure.report.style import Painter, plain

__all__ = [
    "AnomalyError",
    "BorrowError",
    "CollectiveError",
    "DTypeError",
    "DivisionByZero",
    "DomainError",
    "FileError",
    "GradientError",
    "InternalError",
    "LinAlgError",
    "MaskError",
    "OutOfMemory",
    "OutOfRange",
    "OwnershipError",
    "RankLost",
    "ScalarError",
    "ShapeError",
    "Site",
    "StaleBorrowError",
    "StateDictError",
    "TenureError",
    "UseAfterMove",
    "VmapError",
    "WriteError",
]


@dataclass(frozen=True, slots=True)
class Site:
    """A line of the user's program: file, line, its text, and which columns (characters, from 0) are meant.

    `text` is "" where the source cannot be read; the columns are None where they are not known.
    """

    filename: str
    line: int
    text: str
    column: int | None = None
    end_column: int | None = None

    @classmethod
    def of(cls, code: CodeType, lasti: int) -> Self:
        """The site of the instruction at byte offset `lasti` of `code` (a frame's `f_lasti`)."""
        line, end_line, start, end = _position(code, lasti)
        text = _source_line(code.co_filename, line)
        if not text or start is None or end is None:
            return cls(code.co_filename, line, text)
        column = _characters(text, start)
        end_column = _characters(text, end) if end_line == line else len(text)
        if not column < end_column:
            return cls(code.co_filename, line, text)
        return cls(code.co_filename, line, text, column, end_column)

    def __str__(self) -> str:
        return f"{_shortest(self.filename)}:{self.line}"

    def label(self, said: str) -> Label:
        """A label of a report for the line."""
        span = Span(_shortest(self.filename), self.line, self.column or 0, self.line, self.end_column or 0)
        return Label(span, said)


_NOWHERE = Label(Span("", 0, 0, 0, 0))


class TenureError(Exception):
    """The base of Tenure's errors.

    message: one line, what happened. code: the law broken, a key of `LAWS`; each class has its own.
    at: where it happened. notes: other lines that matter, each with its label. help: what to write instead.
    """

    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        at: Site | None = None,
        notes: Sequence[tuple[str, Site | None]] = (),
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.at = at
        self.notes = tuple(notes)
        self.help = help

    def __str__(self) -> str:
        return self.render()

    def render(self, paint: Painter = plain) -> str:
        """The report: code and message, the lines that matter with what is said of them, and help.

        `paint` is `tenure.report.style.colour` for a terminal.
        """
        return text.render(self._diagnostic(), self._lines(), paint, head=self.code or "")

    def _repr_html_(self) -> str:
        return text.as_html(self._diagnostic(), self._lines(), head=self.code or "")

    def _diagnostic(self) -> Diagnostic:
        at = _NOWHERE if self.at is None else self.at.label("")
        labels = tuple(site.label(said) for said, site in self.notes if site is not None)
        notes = tuple(said for said, site in self.notes if site is None)
        return Diagnostic(self.code or "", "", self.message, at, labels, notes, self.help)

    def _lines(self) -> text.Lines:
        sites = [site for site in (self.at, *(site for _, site in self.notes)) if site is not None]
        known = {(_shortest(site.filename), site.line): site.text for site in sites if site.text}
        return lambda path, line: known.get((path, line))


class ShapeError(TenureError, ValueError):
    """Shapes do not agree, or the shape of a place would change (TN802)."""

    code = "TN802"


class ScalarError(ShapeError, TypeError):
    """A 0-dimensional tensor stands where Python goes over something: by it ``np.iterable`` knows (TN802)."""


class MaskError(ShapeError, IndexError):
    """A mask does not have the shape of the axes that it selects from (TN802)."""


class DTypeError(TenureError, TypeError):
    """Dtypes do not agree, a place's dtype would change, or there is no such dtype (TN802)."""

    code = "TN802"


class DomainError(TenureError, ValueError):
    """A parameter, as a probability, lies outside of what it may be (TN802)."""

    code = "TN802"


class OutOfRange(TenureError, IndexError):
    """An index lies outside its axis (TN801)."""

    code = "TN801"


class DivisionByZero(TenureError, ZeroDivisionError):
    """A whole number is divided by 0, for which its dtype has no quotient and no remainder (TN802)."""

    code = "TN802"


class LinAlgError(TenureError, RuntimeError, ValueError):
    """A matrix is singular or not positive definite, or an iteration for it did not converge (TN802).

    The message says which matrix of a batch it is, counted in C order.
    """

    code = "TN802"


class GradientError(TenureError, RuntimeError):
    """A gradient of what was not recorded as differentiable, or of a non-scalar without cotangent (TN804)."""

    code = "TN804"


class OutOfMemory(TenureError, MemoryError):
    """There is no memory for a result: its shape and bytes, and the line that asked for it."""

    @classmethod
    def of(cls, shape: Sequence[int], dtype: str, nbytes: int, at: Site | None = None) -> Self:
        """The error for a result of some shape."""
        size = f"{nbytes:.3g} bytes" if nbytes < 2**30 else f"{nbytes / 2**30:,.1f} GiB"
        return cls(f"there is no memory for a result of shape {list(shape)} and {dtype}, {size}", at=at)


class FileError(TenureError, RuntimeError, ValueError):
    """A file is damaged, cut off, no file of that format, or holds code where data is wanted (TN805)."""

    code = "TN805"


class AnomalyError(TenureError, RuntimeError):
    """An operation has made a NaN or an infinity of finite numbers, within ``detect_anomaly()``."""


class StateDictError(TenureError, RuntimeError):
    """A state_dict does not fit the module or optimizer it is loaded into; nothing was loaded."""


class VmapError(TenureError, RuntimeError):
    """A vmapped function reads the value of one example, lets it out, or draws numbers without saying for whom."""


class CollectiveError(TenureError, RuntimeError):
    """Ranks wait for each other at lines that do not go together; the notes are the line of each."""


class RankLost(TenureError, RuntimeError):
    """A rank has died: no collective of a group with it ends any more. ``distributed.elastic`` goes on without it."""


class OwnershipError(TenureError, RuntimeError):
    """The base of errors about ownership: moves, borrows and writes."""


class UseAfterMove(OwnershipError):
    """A moved value is used, or a graph consumed by `backward()` is differentiated again (TN382)."""

    code = "TN382"


class BorrowError(OwnershipError):
    """A borrow or a use conflicts with a living borrow: TN499, TN502, TN503 or TN506, given by `code=`."""


class WriteError(OwnershipError):
    """A value, or what was lent as shared, is written (TN594)."""

    code = "TN594"


class StaleBorrowError(OwnershipError):
    """A borrow is written through after somebody else wrote or moved its place (TN597)."""

    code = "TN597"


class InternalError(TenureError, AssertionError):
    """A defect of Tenure itself: a Program that the verifier refuses, or generated code that LLVM does."""


class _Shown(reprlib.Repr):
    """Short spellings: of nested lists a few levels, of an array or tensor its dtype and shape."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxstring, self.maxother = 3, 5, 5, 60, 60

    def repr_instance(self, x: object, level: int) -> str:
        shape, dtype = getattr(x, "shape", None), getattr(x, "dtype", None)
        scalar = shape == () and type(x).__module__ == "numpy" and type(x).__name__ != "ndarray"
        if isinstance(shape, tuple) and dtype is not None and not scalar:
            return f"a {type(x).__name__} of {getattr(dtype, 'name', dtype)} and shape {list(shape)}"
        return " ".join(super().repr_instance(x, level).split())


def shown(x: object) -> str:
    """An argument as a message shows it: one short line; a tensor is not computed for it."""
    try:
        return _Shown().repr1(x, 3) if not hasattr(x, "shape") else _Shown().repr_instance(x, 3)
    except Exception:  # a repr of the user's that fails
        return f"a {type(x).__name__}"


T = TypeVar("T")


def following(items: Iterator[T]) -> T:
    """The next of some items; InternalError where there is none. A StopIteration would end whatever loop of the user's,
    ``map`` or generator is calling, in silence."""
    for item in items:
        return item
    raise InternalError("there is no next item where one was counted on")


def _position(code: CodeType, lasti: int) -> tuple[int, int | None, int | None, int | None]:
    """Line, end line and UTF-8 byte columns of an instruction; the function's first line if unknown."""
    if lasti >= 0:
        for line, end_line, start, end in islice(code.co_positions(), lasti // 2, None):
            if line is not None:
                return line, end_line, start, end
            break
    return code.co_firstlineno, None, None, None


def _source_line(filename: str, line: int) -> str:
    # Under `python -c`, Python 3.13 gives the command's text for every program named "<string>".
    return "" if filename == "<string>" else linecache.getline(filename, line).rstrip()


def _characters(text: str, offset: int) -> int:
    return len(text.encode()[:offset].decode(errors="replace"))


def _shortest(filename: str) -> str:
    if filename.startswith("<"):
        return filename
    try:
        relative = os.path.relpath(filename)
    except (OSError, ValueError):  # the working directory is gone, or on another drive
        return filename
    return min(relative, filename, key=len)
