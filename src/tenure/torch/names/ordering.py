"""Functions whose results have an order of axes of their own, as expressions of their parameters."""

from __future__ import annotations

from tenure.torch.cells.orders import COLUMNS
from tenure.torch.names.rows import Row

_TRANSFORMS = "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 hfft2 ihfft2 fftn ifftn rfftn irfftn"
TRANSFORMS = frozenset(_TRANSFORMS.split())
ORDERS = {
    "nonzero": "_by_columns({0})", "argwhere": "_by_columns({0})", "stft": "_framed({0}, _given[0])",
    "rot90": "_turned({0}, _given[0], k, dims)", "einsum": "_contracted({0}, equation, _given)",
    "scaled_dot_product_attention": "_attended({0}, *_given[:3], dropout_p, _given[3])",
    "matrix_power": "(_columns({0}) if n < 0 else {0})",
}  # fmt: skip
"""Functions with an order of their own."""


def is_linalg(row: Row) -> bool:
    """Whether a function is of ``torch.linalg`` alone, which the name of its results says."""
    return "linalg" in row.places and "torch" not in row.places


def columns_of(row: Row) -> tuple[int, ...]:
    """Numbers of a function's results that are matrices by columns."""
    space = "linalg" if is_linalg(row) else "torch"
    return COLUMNS.get(f"{space}.{row.name}", COLUMNS.get(row.name, ()))


def order_of(row: Row) -> str | None:
    """Expression that gives the one result of a function its order of axes; None where the operands say it."""
    if "fft" in row.places and row.name in TRANSFORMS:
        is_real = (row.name[0] == "i" and row.name[1] in "rh") or row.name[0] in "rh"
        sizes = "n" if row.name[-1] == "t" else "s"
        return f"_transformed({{0}}, _given[0], dim, {sizes}, {is_real})"
    if row.fields or not {"torch", "linalg", "F", "Tensor"} & row.places:
        return None
    if columns_of(row):
        left = "left" if row.name in ("solve", "lu_solve") else "True"
        return f"_columns({{0}}, {left if is_linalg(row) else 'True'}{', *_given' if row.name == 'solve' else ''})"
    return ORDERS.get(row.name)
