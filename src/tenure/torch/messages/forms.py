"""Rows of the tables of messages, and the sentences that are functions of a home message's parts.

A row has the home library's sentence as a pattern, the class in PyTorch (None: as translated), and its sentence: a text
with the groups of the pattern, or a function of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import NamedTuple

S = r"\[([\d, ]*)\]"
"""Pattern of a shape."""
SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been"
    " freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify"
    " retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors"
    " after calling backward."
)
INPUTS = "Input Error: Only 3D, 4D and 5D input Tensors supported"
MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
DTYPES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}  # fmt: skip
"""Names of dtypes in PyTorch's messages."""


def spelled(name: str) -> str:
    """Name of a dtype in PyTorch's messages; another word as it is."""
    return DTYPES.get(name, name)


def sizes(text: str) -> list[int]:
    """Sizes of a shape in a message."""
    return [int(n) for n in text.split(",") if n.strip()]


def broadcast(a: str, b: str) -> str:
    """Two shapes that do not broadcast: their last axes that differ."""
    one, other = sizes(a), sizes(b)
    n = max(len(one), len(other))
    one, other = [1] * (n - len(one)) + one, [1] * (n - len(other)) + other
    k = max((k for k in range(n) if one[k] != other[k] and 1 not in (one[k], other[k])), default=-1)
    if k < 0:
        return f"shapes {one} and {other} would be broadcast: give both tensors the same shape"
    said = f"The size of tensor a ({one[k]}) must match the size of tensor b ({other[k]})"
    return f"{said} at non-singleton dimension {k}"


def fits(a: str, b: str) -> bool:
    """Whether two shapes broadcast."""
    return all(m == n or 1 in (m, n) for m, n in zip(sizes(a)[::-1], sizes(b)[::-1], strict=False))


def written(a: str, b: str) -> str:
    """A value that does not broadcast to what it is written to."""
    return broadcast(b, a)


def products(a: str, b: str) -> str:
    """Two operands of a product that do not fit."""
    one, other = sizes(a), sizes(b)
    if len(one) == 2 and len(other) == 1:
        return f"size mismatch, got input ({one[0]}), mat ({one[0]}x{one[1]}), vec ({other[0]})"
    if len(other) == 2:
        return f"mat1 and mat2 shapes cannot be multiplied ({prod(one[:-1])}x{one[-1]} and {other[0]}x{other[1]})"
    return "Expected size for first two dimensions of batch2 tensor to be: " + (
        f"[{one[0]}, {one[-1]}] but got: [{other[0]}, {other[-2]}]." if len(other) > 2 else f"{one} but got: {other}."
    )


def einsum(formula: str, letter: str, one: str, other: str) -> str:
    """Two operands of a sum of products whose sizes along a letter differ."""
    inputs = formula.split("->")[0].split(",")
    k = max(k for k, letters in enumerate(inputs) if letter in letters)
    said = f"einsum(): subscript {letter} has size {other} for operand {k}"
    return f"{said} which does not broadcast with previously seen size {one}"


def expanded(value: str, part: str) -> str:
    """A value that does not fit into the part that it is written to."""
    given, wanted = sizes(value), sizes(part)
    if len(given) > len(wanted):
        return broadcast(part, value)
    k = max(k for k in range(len(given)) if given[-1 - k] not in (1, wanted[-1 - k]))
    at = len(wanted) - 1 - k
    said = f"The expanded size of the tensor ({wanted[at]}) must match the existing size ({given[-1 - k]})"
    return f"{said} at non-singleton dimension {at}.  Target sizes: {wanted}.  Tensor sizes: {given}"


def linear(a: str, w: str) -> str:
    """An input of a linear layer with another number of features."""
    return products(a, ", ".join(map(str, sizes(w)[::-1])))


def axis_range(k: str, n: str) -> str:
    """An axis that a tensor does not have."""
    most = max(int(n), 1)
    return f"Dimension out of range (expected to be in range of [{-most}, {most - 1}], but got {k})"


def by(text: str) -> str:
    """Sizes with PyTorch's sign between them."""
    return " x ".join(map(str, sizes(text)))


def interpolated(mode: str, wanted: str, shape: str) -> str:
    """An input of an interpolation with other axes than its mode is for."""
    n = len(sizes(shape))
    if n not in (3, 4, 5) or mode == "bicubic":
        return f"{INPUTS} (got {n}D) for the modes: {MODES} (got {mode})"
    return f"Got {n}D input, but {mode} mode needs {wanted}D input"


class Words(NamedTuple):
    """PyTorch's class and words for one sentence of the home library."""

    pattern: re.Pattern[str]
    kind: str | None
    says: str | Callable[..., str]


def rows(*rows: tuple[str, str | None, str | Callable[..., str]]) -> list[Words]:
    """Rows of a table."""
    return [Words(re.compile(pattern, re.DOTALL), kind, says) for pattern, kind, says in rows]
