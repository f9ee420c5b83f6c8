"""Padding around the last axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn.functional.convolution import LARGEST
from tenure.ops import padding
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import ints_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

PAD = Operation("pad", padding.edged, "ConstantPadNdBackward0")
MODES = ("constant", "reflect", "replicate", "circular")


def pad(
    input: ArrayLike, pad: tuple[int, ...] | list[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """The input with elements around its last axes: ``pad`` has a number before and one behind, the last axis first.

    They are ``value`` (0 unless given), the elements next to the edge mirrored ("reflect"), the edge ("replicate") or
    those of the other end ("circular"); negative numbers crop. ShapeError (TN802) for more than there is to mirror.

    >>> F.pad(tn.tensor([1, 2, 3]), (1, 2))
    tensor([0, 1, 2, 3, 0, 0])
    """
    x = value_of(input)
    numbers = ints_of(pad, "pad: pad")
    if len(numbers) % 2 or len(numbers) > 2 * x.ndim:
        raise ShapeError(f"pad: {len(numbers)} numbers for a tensor of {x.ndim} axes: there are two for each axis")
    if max(numbers, default=0) >= LARGEST:
        raise ShapeError(f"pad: {max(numbers)} elements around an axis, where there is memory for less than {LARGEST}")
    if not isinstance(mode, str) or mode not in MODES:
        raise DTypeError(f"pad: mode is one of {list(MODES)}, not {shown(mode)}")
    if mode != "constant" and value is not None and value != 0:
        raise DTypeError(f"pad: mode {mode!r} takes no value")
    pairs = [(numbers[k], numbers[k + 1]) for k in range(0, len(numbers), 2)]
    given: Any = 0.0 if value is None else number("pad", "value", value)
    if not isinstance(given, bool | int | float):
        raise DTypeError("pad: value is a Python number, not a tensor")
    params = parameters(("widths", "mode", "value"), tuple(pairs[::-1]), mode, given)
    return apply_one(PAD, x, params)
