"""Dtypes that are stored in one form and computed in another: what a primitive becomes on them.

    add bfloat16 bfloat16           casts to float32, add, a cast back
    multiply complex64 complex64    products and sums of real and imaginary parts, put together again

Derivatives, batching and kernels then know nothing of these dtypes: they follow from what the parts do. A primitive
that only moves elements claims them as they are. Gradients of complex values are so those of PyTorch: of a real result
L, ∂L/∂re + i ∂L/∂im.

Within one operation of the user a value is not rounded before it is a result: softmax of bfloat16 computes in float32
throughout. The builder of an operation remembers from what a value was rounded, and computes on with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenure.dtypes import DType
from tenure.errors import DTypeError
from tenure.ir.applications import Params, applied
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
    if primitive.name == "cast":
        return plainly(primitive, operands, params)
    b, narrow = operands[0].builder, None
    sources = (b.wide or {}).get
    wide, scalars = list(operands), False
    for k, x in enumerate(operands):
        if x.dtype.kind == "h":
            narrow = x.dtype
            source, weak = sources(x.id, (-1, False))
            scalars = scalars or weak
            wide[k] = widened(x) if source < 0 else Value(b, source)
    assert narrow is not None
    ans = primitive(*wide, **params)
    if ans.dtype.kind == "b" and scalars:  # a number is compared as it would be stored
        ans = primitive(*[widened(x) if x.dtype.kind == "h" else x for x in operands], **params)
    return narrowed(ans, narrow) if ans.dtype is narrow.parts else ans


def plainly(primitive: Primitive, operands: Sequence[Value], params: Params) -> Value:
    """One instruction."""
    b = operands[0].builder
    ids = tuple([x.id for x in operands])
    return Value(b, b.append(applied(primitive, params, tuple([b.avals[v] for v in ids])), ids))


def widened(x: Value) -> Value:
    """float16 or bfloat16 as float32."""
    return plainly(TABLE["cast"], (x,), {"dtype": x.dtype.parts})


def narrowed(x: Value, dtype: DType, weak: bool = False) -> Value:
    """A float32, rounded to float16 or bfloat16; ``weak`` if it is a Python number."""
    b, ans = x.builder, plainly(TABLE["cast"], (x,), {"dtype": dtype})
    if b.wide is not None:
        b.wide[ans.id] = x.id, weak
    return ans
