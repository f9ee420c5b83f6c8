"""Layers that PyTorch spreads over devices, on the one there is."""

from __future__ import annotations

from typing import Any

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn.module import Module
from tenure.nn.normalize import Normalization
from tenure.values.trace.blame import checked_first


class SyncBatchNorm(Normalization):
    """Batch normalization over all processes of a group; there is one, so it is that of its input.

    Inputs (batch, channels, …). ``process_group`` is None. Owns what ``BatchNorm2d`` does.

    >>> nn.SyncBatchNorm(3)(tn.rand(2, 3, 4)).shape
    (2, 3, 4)
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, process_group: None = None, device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        if process_group is not None:
            raise DTypeError(f"SyncBatchNorm: process_group is None: there is one process, not {shown(process_group)}")
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)
        self.process_group = process_group

    def channel_axis(self, shape: tuple[int, ...]) -> int:
        """The axis of the channels; ShapeError (TN802) for a shape that no input has."""
        if len(shape) < 2:
            raise ShapeError(f"{self} of an input of shape {list(shape)}")
        return 1

    @classmethod
    @checked_first
    def convert_sync_batchnorm(cls, module: Module, process_group: None = None) -> Module:
        """The module with a SyncBatchNorm in place of each batch normalization, of the same parameters.

        >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(3)))[0].num_features
        3
        """
        if isinstance(module, Normalization) and type(module).__name__.startswith("BatchNorm"):
            form = (module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
            twin = cls(*form, process_group)
            for name, p in module._parameters.copy().items():
                twin.register_parameter(name, p)
            for name, b in module._buffers.copy().items():
                twin.register_buffer(name, b)
            return twin.train(module.training)
        for name, child in module._modules.copy().items():
            if child is not None:
                module.register_module(name, cls.convert_sync_batchnorm(child, process_group))
        return module


class DataParallel(Module):
    """A module on several devices at once; there is one, so it is the module, under the name ``module``.

    ``device_ids`` and ``output_device`` are None or the CPU; ``dim`` is the axis of the batch.

    >>> net = nn.DataParallel(nn.Linear(3, 4))
    >>> net(tn.ones(2, 3)).shape, list(net.state_dict())
    ((2, 4), ['module.weight', 'module.bias'])
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        given = [] if device_ids is None else list(device_ids) if isinstance(device_ids, tuple | list) else [device_ids]
        for device in [*given, *([] if output_device is None else [output_device])]:
            if device not in ("cpu", "cpu:0") if isinstance(device, str) else True:
                raise DTypeError(f"DataParallel: there is no device {shown(device)}", help='the device is "cpu"')
        self.module, self.dim = module, dim
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The result of the module."""
        return self.module(*inputs, **kwargs)
