"""``torch.nn.utils``: gradients clipped, vectors of parameters, sequences of several lengths, parametrizations."""

from __future__ import annotations

import importlib
from typing import Any

from tenure.torch import virtual
from tenure.torch.nn.utils import clip, weights
from tenure.torch.nn.utils.clip import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)
from tenure.torch.nn.utils.weights import (
    fuse_conv_bn_eval,
    fuse_linear_bn_eval,
    remove_spectral_norm,
    remove_weight_norm,
    skip_init,
    spectral_norm,
    weight_norm,
)

ROOMS = ("parametrizations", "parametrize", "prune", "rnn", "stateless")
_CLIP = "clip_grad_norm clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm"
_VECTORS = ["parameters_to_vector", "vector_to_parameters"]
virtual.room("nn.utils.clip_grad", lambda name: getattr(clip, name), _CLIP.split())
virtual.room("nn.utils.convert_parameters", lambda name: getattr(clip, name), _VECTORS)
_FUSION = ["fuse_conv_bn_eval", "fuse_linear_bn_eval", "fuse_conv_bn_weights"]
virtual.room("nn.utils.fusion", lambda name: getattr(weights, name), _FUSION)
virtual.room("nn.utils.init", lambda name: getattr(weights, name), ["skip_init"])
for _room, _names in (("weight_norm", "WeightNorm remove_weight_norm weight_norm"),
                      ("spectral_norm", "SpectralNorm remove_spectral_norm spectral_norm")):  # fmt: skip
    virtual.room(f"nn.utils.{_room}", lambda name: getattr(weights, name), _names.split())


def __getattr__(name: str) -> Any:
    if name not in ROOMS:
        raise AttributeError(f"module 'torch.nn.utils' has no attribute {name!r}", name=name)
    return importlib.import_module(f"{__name__}.{name}")


__all__ = [
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "fuse_conv_bn_eval",
    "fuse_linear_bn_eval", "get_total_norm", "parameters_to_vector", "remove_spectral_norm", "remove_weight_norm",
    "skip_init", "spectral_norm", "vector_to_parameters", "weight_norm",
]  # fmt: skip
