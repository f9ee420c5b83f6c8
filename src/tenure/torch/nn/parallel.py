"""``torch.nn.parallel``: layers that PyTorch spreads over GPUs, on the CPU: the module itself is called."""

from __future__ import annotations

from typing import Any

from tenure.distributed.parallel import BUCKET, parallel
from tenure.torch import distributed, virtual
from tenure.torch.nn.module import Module
from tenure.values.rules.modes import is_grad_enabled

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


class DistributedDataParallel(Module):
    """A module, in ``module``, whose gradients are averaged over the ranks behind each ``backward()``.

    ``tenure.distributed.parallel`` does it: parameters and buffers begin as the first rank's; with
    ``broadcast_buffers`` these are copied again before a forward behind one whose gradients were reduced. A parameter
    that is not used needs no ``find_unused_parameters``.
    """

    __module__ = "torch.nn.parallel.distributed"

    def __init__(self, module: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0,
                 broadcast_buffers: bool = True, init_sync: bool = True, process_group: Any = None,
                 bucket_cap_mb: float | None = None, find_unused_parameters: bool = False,
                 check_reduction: bool = False, gradient_as_bucket_view: bool = False, static_graph: bool = False,
                 delay_all_reduce_named_params: Any = None, param_to_hook_all_reduce: Any = None,
                 mixed_precision: Any = None, device_mesh: Any = None, skip_all_reduce_unused_params: bool = False,
                 ) -> None:  # fmt: skip
        super().__init__()
        if not distributed.is_initialized():
            distributed.get_rank()
        self.module, self.dim = module, dim
        self.device_ids: Any = None
        megabytes = BUCKET if bucket_cap_mb is None else bucket_cap_mb
        ranks = parallel(module, bucket_mb=megabytes, buffers=False, group=process_group)
        object.__setattr__(self, "_ranks", ranks)  # no child: its parameters are those of ``module``
        self.broadcast_buffers, self.process_group = broadcast_buffers, process_group
        self.require_forward_param_sync = True

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The result of the module."""
        if self.broadcast_buffers and self.require_forward_param_sync:
            for b in self.module.buffers():
                distributed.broadcast(b, group=self.process_group, group_src=0)
        self.require_forward_param_sync = is_grad_enabled() and self.require_backward_grad_sync
        return self.module(*inputs, **kwargs)

    @property
    def require_backward_grad_sync(self) -> bool:
        """Whether the next backward reduces gradients."""
        return bool(self._ranks.syncs)

    def no_sync(self) -> Any:
        """Context in which gradients are accumulated without communication."""
        return self._ranks.no_sync()


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
