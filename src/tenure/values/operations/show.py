"""Text of a tensor: as PyTorch shows the same numbers.

Only what appears on the screen is ever converted: `format_tensor` first cuts the corners that a
summary shows out of the array, then spells the numbers, then lays the cells out in lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenure.errors import DTypeError, shown

__all__ = ["PrintOptions", "format_tensor", "get_printoptions", "set_printoptions"]


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """Options of printing, for `set_printoptions`.

    `precision`: digits after the point of a float. `threshold`: the number of elements above which
    a tensor is summarized. `edgeitems`: how many items a summary keeps at each end of an axis.
    `linewidth`: characters per line. `sci_mode`: scientific notation always (True), never (False)
    or by magnitude (None).
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_UNNAMED_DTYPES = frozenset({"float32", "complex64", "int64", "bool"})
_OPENING = "tensor("

_options = _PROFILES["default"]


def get_printoptions() -> PrintOptions:
    """The options with which tensors print, shared by all threads.

    >>> tn.get_printoptions().precision
    4
    """
    return _options


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print from now on; what is not given stays as it was.

    A `profile` ("default", "short" or "full") is applied first. As in PyTorch, `sci_mode` is the
    exception: every call sets it, and leaving it out returns to choosing by magnitude. Raises
    ValueError for an unknown profile.

    >>> tn.set_printoptions(precision=2)
    >>> tn.tensor([0.12345])
    tensor([0.12])
    >>> tn.set_printoptions(profile="default")
    """
    global _options
    base = _options
    if profile is not None:
        if not isinstance(profile, str) or profile.lower() not in _PROFILES:
            known = ", ".join(map(repr, _PROFILES))
            raise ValueError(f"set_printoptions: profile is one of {known}, not {shown(profile)}")
        base = _PROFILES[profile.lower()]
    for name, given in (("precision", precision), ("edgeitems", edgeitems), ("linewidth", linewidth)):
        if given is not None and not (type(given) is int and 0 <= given < 2**31):
            raise DTypeError(f"set_printoptions: {name} is a whole number, not {shown(given)}")
    if threshold is not None and not (isinstance(threshold, int | float) and threshold >= 0):
        raise DTypeError(f"set_printoptions: threshold is a number, not {shown(threshold)}")
    if sci_mode is not None and type(sci_mode) is not bool:
        raise DTypeError(f"set_printoptions: sci_mode is True, False or None, not {shown(sci_mode)}")
    _options = PrintOptions(
        precision=base.precision if precision is None else precision,
        threshold=base.threshold if threshold is None else threshold,
        edgeitems=base.edgeitems if edgeitems is None else edgeitems,
        linewidth=base.linewidth if linewidth is None else linewidth,
        sci_mode=sci_mode,
    )


def format_tensor(
    array: NDArray[Any],
    *,
    requires_grad: bool = False,
    grad_fn: str | None = None,
    dtype_name: str,
    library: str = "tenure",
    default: str = "float32",
) -> str:
    """The `repr` of a tensor that holds `array`; reads at most the elements it shows.

    `dtype_name` is the dtype's public name ("float32"), `grad_fn` the name of the operation that
    computed a differentiable value ("MulBackward0"); with one, `requires_grad` goes without saying.
    `library` is the namespace of the dtype, `default` the dtype that goes without saying.
    """
    options = _options
    unnamed = dtype_name in _UNNAMED_DTYPES
    if default != "float32":
        unnamed = dtype_name in ("int64", "bool", default, {"float64": "complex128"}.get(default))
    notes: list[tuple[str, str]] = []
    if array.size == 0:
        body = "[]"
        # Brackets alone say one axis of floats, so anything else about an empty tensor is spelled out.
        unnamed = dtype_name == default
        if array.ndim != 1:
            notes.append(("size", str(array.shape)))
    else:
        body = _spell_body(array, array.size > options.threshold, options)
        if options.edgeitems == 0:
            notes.append(("size", str(array.shape)))
    if not unnamed:
        notes.append(("dtype", f"{library}.{dtype_name}"))
    if grad_fn is not None:
        notes.append(("grad_fn", f"<{grad_fn}>"))
    elif requires_grad:
        notes.append(("requires_grad", "True"))
    return _annotate(_OPENING + body, notes, options.linewidth)


def _annotate(text: str, notes: Iterable[tuple[str, str]], linewidth: int) -> str:
    """Append the keyword notes to the open parenthesis and close it."""
    column = len(text) - text.rfind("\n") + 1
    for key, value in notes:
        note = f"{key}={value}"
        # Breaks fall where they fall under PyTorch's shorter package name, so that outputs compare.
        length = len(note) - (len("tenure") - len("torch") if value.startswith("tenure.") else 0)
        if column + length + 2 > linewidth:
            text += ",\n" + " " * len(_OPENING) + note
            column = len(_OPENING) + length
        else:
            text += ", " + note
            column += length + 2
    return text + ")"


# From an array to the corners a summary shows


def _spell_body(array: NDArray[Any], summarized: bool, options: PrintOptions) -> str:
    """The bracketed numbers of an array that has some."""
    edge = options.edgeitems
    cut = tuple(summarized and size > 2 * edge for size in array.shape)
    corners = _take_corners(array, cut, edge)
    cells, width = _spell_cells(corners.reshape(-1), options)
    block = np.empty(len(cells), dtype=object)
    block[:] = cells
    return _Layout(cut, edge, width, options.linewidth).block(block.reshape(corners.shape), len(_OPENING))


def _take_corners(array: NDArray[Any], cut: Sequence[bool], edge: int) -> NDArray[Any]:
    """The first and last `edge` items along every cut axis; the array itself when none is cut."""
    if not any(cut):
        return array
    kept = [
        np.r_[0:edge, size - edge : size] if shorten else np.arange(size)
        for size, shorten in zip(array.shape, cut, strict=True)
    ]
    corners: NDArray[Any] = array[np.ix_(*(index.astype(np.intp) for index in kept))]
    return corners


# From numbers to cells of text


def _spell_cells(values: NDArray[Any], options: PrintOptions) -> tuple[list[str], int]:
    """The text of each number, padded to a common width, and that width.

    Zeros, infinities and NaNs have no say in a float's notation or width, and may be wider.
    """
    if values.dtype.kind == "c":
        reals, real_width = _spell_cells(values.real, options)
        imaginaries, imaginary_width = _spell_cells(values.imag, options)
        joined = [_join_complex(*parts) for parts in zip(reals, imaginaries, strict=True)]
        return joined, real_width + imaginary_width + 1
    if values.dtype.kind == "f":
        texts, width = _spell_floats(values.astype(np.float64), options)
    else:
        texts = [str(value) for value in values.tolist()]
        width = max(map(len, texts), default=1)
    return [text.rjust(width) for text in texts], width


def _join_complex(real: str, imaginary: str) -> str:
    imaginary = imaginary.lstrip() + "j"
    return real + imaginary if imaginary.startswith("-") else f"{real}+{imaginary}"


def _spell_floats(values: NDArray[np.float64], options: PrintOptions) -> tuple[list[str], int]:
    regular = values[np.isfinite(values) & (values != 0)]
    if regular.size == 0:
        return [_spell_whole(value) for value in values.tolist()], 1
    spell = _choose_notation(regular, options.precision, options.sci_mode)
    width = max(len(spell(value)) for value in regular.tolist())
    return [spell(value) for value in values.tolist()], width


def _choose_notation(regular: NDArray[np.float64], precision: int, sci_mode: bool | None) -> Callable[[float], str]:
    """Scientific, whole or fixed-point spelling for finite nonzero numbers of these magnitudes."""
    magnitudes = np.abs(regular)
    smallest, largest = float(magnitudes.min()), float(magnitudes.max())
    whole = bool((magnitudes == np.ceil(magnitudes)).all())
    if sci_mode is None:
        sci_mode = largest / smallest > 1000.0 or largest > 1.0e8 or (smallest < 1.0e-4 and not whole)
    if sci_mode:
        return f"{{:.{precision}e}}".format
    return _spell_whole if whole else f"{{:.{precision}f}}".format


def _spell_whole(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


# From cells to lines


@dataclass(frozen=True, slots=True)
class _Layout:
    """Nested brackets around cells of `width` characters; `cut` says which axes lost their middle."""

    cut: tuple[bool, ...]
    edge: int
    width: int
    linewidth: int

    def block(self, cells: NDArray[Any], indent: int) -> str:
        """The text of one block whose opening bracket stands in column `indent`."""
        if cells.ndim == 0:
            return str(cells[()])
        if cells.ndim == 1:
            return self.row(cells.tolist(), indent)
        items = [self.block(part, indent + 1) for part in cells]
        if self.cut[-cells.ndim]:
            items[self.edge : self.edge] = ["..."]
        gap = "," + "\n" * (cells.ndim - 1) + " " * (indent + 1)
        return "[" + gap.join(items) + "]"

    def row(self, cells: list[str], indent: int) -> str:
        """One innermost axis, wrapped at the line width."""
        if self.cut[-1]:
            cells[self.edge : self.edge] = [" ..." if self.edge else "..."]
        per_line = max(1, (self.linewidth - indent) // (self.width + 2))
        lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
