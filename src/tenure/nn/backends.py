"""PyTorch's choice among ways to compute attention: here the compiler fuses the one there is."""

import contextlib
import enum
from collections.abc import Iterator, Sequence

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """PyTorch's ways to compute attention, by number.

    >>> nn.attention.SDPBackend.MATH.value
    0
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """A context that asks for ways to compute attention: accepted, as there is one. TypeError for what is none.

    >>> with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
    ...     F.scaled_dot_product_attention(tn.ones(1, 2, 4), tn.ones(1, 3, 4), tn.ones(1, 3, 4)).shape
    (1, 2, 4)
    """
    asked = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(asked, Sequence) or not asked or not all(isinstance(x, SDPBackend) for x in asked):
        raise TypeError(f"sdpa_kernel takes one SDPBackend or a list of them, not {backends!r}")
    yield
