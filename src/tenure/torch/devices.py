"""PyTorch's devices, layouts and memory formats: only the CPU has elements."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from tenure.torch.errors import TorchTypeError, refuse

KINDS = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip


class device:
    """A device: a type and an index. Every name of PyTorch's may stand in a program; tensors live on the CPU.

    As a context it is the default device of factories within the block. "meta" is refused where it is made the default:
    it works in every build of PyTorch.
    """

    __slots__ = ("_tokens", "index", "type")
    __module__ = "torch"
    type: str
    index: int | None

    def __init__(self, type: Any = None, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        elif not isinstance(type, str):
            raise refuse(f"device(): argument 'type' must be str, not {type.__class__.__name__}", TorchTypeError)
        kind, colon, number = type.partition(":")
        if kind not in KINDS:
            raise refuse(f"Expected one of {', '.join(KINDS)} device type at start of device string: {kind}")
        if colon and not number.isdecimal():
            raise refuse(f"Invalid device string: '{type}'")
        self.type, self.index = kind, int(number) if colon else index
        self._tokens: list[Any] = []

    def __repr__(self) -> str:
        return f"device(type='{self.type}'{'' if self.index is None else f', index={self.index}'})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, device):
            return NotImplemented
        return (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        if self.type == "meta":
            check_device(self)
        self._tokens.append(DEFAULT.set(self))
        return self

    def __exit__(self, *exc: object) -> None:
        DEFAULT.reset(self._tokens.pop())


CPU = device("cpu")
DEFAULT: ContextVar[device] = ContextVar("device", default=CPU)


def get_default_device() -> device:
    """The device of factories that are not told one."""
    return DEFAULT.get()


def set_default_device(to: Any) -> None:
    """Set the device of factories that are not told one; None is the CPU."""
    wanted = CPU if to is None else device(to)
    if wanted.type == "meta":
        check_device(wanted)
    DEFAULT.set(wanted)


def check_device(given: Any) -> None:
    """Refuse a device that has no elements here, as PyTorch's build for the CPU does."""
    if given is None:
        given = DEFAULT.get()
        if given is CPU:
            return
    kind = device(given).type
    if kind == "cpu":
        return
    if kind in ("cuda", "hip"):
        raise AssertionError("Torch not compiled with CUDA enabled")
    raise refuse(
        f"tensors on the device {kind!r} are not supported",
        help="build the module on the CPU, and load its weights into it" if kind == "meta" else 'use device="cpu"',
    )


class layout:
    """A layout of elements in memory."""

    __slots__ = ("name",)
    __module__ = "torch"

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return _named, (self.name,)


class memory_format(layout):
    """An order of the axes in memory; results do not depend on it."""

    __slots__ = ()
    __module__ = "torch"


def _named(name: str) -> layout:
    return PUBLIC[name]


PUBLIC: dict[str, layout] = {
    name: layout(name) for name in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc",
                                    "jagged", "_mkldnn")
}  # fmt: skip
for _name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d"):
    PUBLIC[_name] = memory_format(_name)
strided = PUBLIC["strided"]


def check_layout(given: Any) -> None:
    """Refuse a layout other than the strided one."""
    if given is not None and given is not strided:
        raise refuse(f"tensors of layout {given!r} are not supported here", help="leave layout= out")
