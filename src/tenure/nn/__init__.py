"""Neural networks: modules that own parameters, and the functions they are made of."""

from tenure.nn import functional, init
from tenure.nn.activation import ReLU, Tanh
from tenure.nn.container import ModuleList, Sequential
from tenure.nn.linear import Identity, Linear
from tenure.nn.loss import CrossEntropyLoss, MSELoss
from tenure.nn.module import Module
from tenure.nn.regularize import Dropout
from tenure.nn.shape import Flatten
from tenure.values.parameter import Parameter

__all__ = [
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "MSELoss",
    "Module",
    "ModuleList",
    "Parameter",
    "ReLU",
    "Sequential",
    "Tanh",
    "functional",
    "init",
]
