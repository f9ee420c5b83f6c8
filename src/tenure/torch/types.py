"""``torch.types``: names for annotations."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from tenure.torch.cells import Tensor
from tenure.torch.devices import device, layout
from tenure.torch.dtypes import dtype
from tenure.torch.sizes import Size

__all__ = ["Device", "FileLike", "IntLikeType", "Number", "PySymType", "Storage"]
Number: TypeAlias = builtins.int | builtins.float | builtins.bool
IntLikeType = PySymType = builtins.int
FloatLikeType, BoolLikeType, py_sym_types = builtins.float, builtins.bool, ()
Device: TypeAlias = device | str | builtins.int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage = Any
_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex
_dtype, _device, _layout = dtype, device, layout
_size = Size | list[builtins.int] | tuple[builtins.int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
