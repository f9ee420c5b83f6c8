"""``torch.__config__``: how the library is built."""

from __future__ import annotations


def show() -> str:
    """Settings of the build, as text."""
    return "tenure.torch: PyTorch's names on Tenure's engine\n  - USE_CUDA=OFF, USE_MKL=OFF, USE_MKLDNN=OFF\n"


def parallel_info() -> str:
    """Settings of threads, as text."""
    return "tenure.torch: threads by torch.set_num_threads\n"
