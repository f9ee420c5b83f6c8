"""``torch.nn.parallel``: layers that PyTorch spreads over GPUs, on the CPU: the module itself is called."""

from __future__ import annotations

from typing import Any

from tenure.torch import virtual
from tenure.torch.absent import refused
from tenure.torch.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "parallel_apply", "replicate"]


class DataParallel(Module):
    """A module, in ``module``, that is called on the whole batch: there is no GPU to spread it over."""

    __module__ = "torch.nn.parallel.data_parallel"

    def __init__(self, module: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module, self.dim = module, dim
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The result of the module."""
        return self.module(*inputs, **kwargs)


DistributedDataParallel = refused("distributed", "DistributedDataParallel")


def data_parallel(module: Any, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0,
                  module_kwargs: Any = None) -> Any:  # fmt: skip
    """The result of the module."""
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))


def parallel_apply(modules: Any, inputs: Any, kwargs_tup: Any = None, devices: Any = None) -> list[Any]:
    """The results of modules, each of its own inputs."""
    found = []
    for k, (module, given) in enumerate(zip(modules, inputs, strict=True)):
        more = {} if kwargs_tup is None else kwargs_tup[k]
        found.append(module(*(given if isinstance(given, tuple) else (given,)), **more))
    return found


def replicate(network: Any, devices: Any, detach: bool = False) -> list[Any]:
    """The module, once for each device."""
    return [network for _ in devices]


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """The inputs, for one device."""
    return [inputs]


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """The outputs of one device."""
    return outputs[0]


virtual.rooms("nn.parallel", {"data_parallel": "DataParallel data_parallel", "distributed": "DistributedDataParallel",
                              "parallel_apply": "parallel_apply", "scatter_gather": "scatter gather",
                              "replicate": "replicate"}, lambda name: globals()[name])  # fmt: skip
