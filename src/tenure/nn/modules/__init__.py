"""PyTorch's places of modules: ``nn.modules.module`` has the hooks of every module, ``nn.modules.loss`` the losses."""

from tenure.nn.modules import loss, module

__all__ = ["loss", "module"]
