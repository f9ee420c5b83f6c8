"""Functions that modules are made of, in plain tensor code.

``dim`` and ``axis`` name the same argument. An ``inplace`` flag is accepted and has no effect: tensors are
values, and memory is reused wherever there is no other holder.
"""

from tenure.nn.functional.activation import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    logsigmoid,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from tenure.nn.functional.bags import embedding_bag
from tenure.nn.functional.batch import batch_norm
from tenure.nn.functional.groups import group_norm, local_response_norm, normalize, rms_norm
from tenure.nn.functional.layer import (
    dropout,
    embedding,
    layer_norm,
    linear,
    one_hot,
    scaled_dot_product_attention,
)
from tenure.nn.functional.loss import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)

__all__ = [
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "embedding_bag",
    "gelu",
    "group_norm",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
