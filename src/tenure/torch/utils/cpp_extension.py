"""``torch.utils.cpp_extension``: extensions in C++ are built against PyTorch's library, which is not here."""

from __future__ import annotations

from typing import Any, NoReturn

from tenure.torch.absent import missing

CUDA_HOME = ROCM_HOME = None


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise missing("an extension in C++ or CUDA", "write the operation in Python: it is compiled")


BuildExtension = CppExtension = CUDAExtension = load = load_inline = include_paths = _refuse
