"""Neural networks: modules that own parameters, and the functions they are made of."""

from tenure.nn import functional, init, utils
from tenure.nn.activation import ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from tenure.nn.attention import MultiheadAttention, TransformerEncoderLayer
from tenure.nn.container import ModuleDict, ModuleList, Sequential
from tenure.nn.embedding import Embedding, EmbeddingBag
from tenure.nn.groups import GroupNorm, LocalResponseNorm, RMSNorm
from tenure.nn.linear import Identity, Linear
from tenure.nn.loss import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from tenure.nn.module import Module
from tenure.nn.normalize import BatchNorm1d, BatchNorm2d, LayerNorm
from tenure.nn.recurrent import GRU, GRUCell
from tenure.nn.regularize import Dropout
from tenure.nn.shape import Flatten
from tenure.values.places.parameter import Parameter

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "GRUCell",
    "GroupNorm",
    "HuberLoss",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
    "TransformerEncoderLayer",
    "functional",
    "init",
    "utils",
]
