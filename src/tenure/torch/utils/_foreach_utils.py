"""``torch.utils._foreach_utils``: tensors grouped by device and dtype, for optimizers of packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.torch.cells import Parameter, Tensor

_foreach_supported_types = [Tensor, Parameter]
Groups = dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]]


def _get_foreach_kernels_supported_devices() -> list[str]:
    return ["cuda", "xpu", "mtia"]


def _get_fused_kernels_supported_devices() -> list[str]:
    return ["mps", "cuda", "xpu", "hpu", "cpu", "mtia"]


def _group_tensors_by_device_and_dtype(tensorlistlist: Sequence[Sequence[Any]], with_indices: bool = False) -> Groups:
    found: Groups = {}
    for k, entry in enumerate(zip(*tensorlistlist, strict=True)):
        lists, at = found.setdefault((entry[0].device, entry[0].dtype), ([[] for _ in tensorlistlist], []))
        for own, x in zip(lists, entry, strict=True):
            own.append(x)
        if with_indices:
            at.append(k)
    return found


def _device_has_foreach_support(device: Any) -> bool:
    return device.type in (*_get_foreach_kernels_supported_devices(), "cpu")


def _has_foreach_support(tensors: Sequence[Any], device: Any) -> bool:
    return _device_has_foreach_support(device)
