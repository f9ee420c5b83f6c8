"""Dtypes that are stored in one form and computed in another: what a primitive becomes on them.

    add bfloat16 bfloat16       casts to float32, add, a cast back: one rounding for each stored value
    multiply complex64 complex64    products and sums of real and imaginary parts, put together again

Derivatives, batching and kernels then know nothing of these dtypes: they follow from what the parts do. A primitive
that only moves elements claims them as they are. Gradients of complex values are so those of PyTorch: of a real result
L, ∂L/∂re + i ∂L/∂im.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenure.dtypes import DType
from tenure.errors import DTypeError
from tenure.ir.applications import Params
from tenure.ir.program import TABLE, Value

if TYPE_CHECKING:
    from tenure.ir.primitive import Primitive


def in_parts(primitive: Primitive, operands: Sequence[Value], params: Params) -> Value:
    """The result of a primitive on operands of which it does not take some as they are."""
    for x in operands:
        if x.dtype.is_complex:
            if primitive.split is None:
                raise DTypeError(f"{primitive} is not defined for {x.dtype.name}")
            return primitive.split(*operands, **params)  # type: ignore[no-any-return]
    narrow: DType | None = None
    wide: list[Value] = []
    for x in operands:
        narrow = x.dtype if x.dtype.kind == "h" else narrow
        wide.append(TABLE["cast"](x, dtype=x.dtype.parts) if x.dtype.kind == "h" else x)
    assert narrow is not None
    ans = primitive(*wide, **params)
    return TABLE["cast"](ans, dtype=narrow) if ans.dtype is narrow.parts else ans
