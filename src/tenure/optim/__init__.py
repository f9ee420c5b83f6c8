"""Optimizers: they own the state of each parameter and write the parameters they were given."""

from tenure.optim import lr_scheduler, swa_utils
from tenure.optim.adadelta import Adadelta
from tenure.optim.adafactor import Adafactor
from tenure.optim.adagrad import Adagrad
from tenure.optim.adam import Adam, AdamW
from tenure.optim.adamax import Adamax
from tenure.optim.asgd import ASGD
from tenure.optim.lbfgs import LBFGS
from tenure.optim.lion import Lion
from tenure.optim.muon import Muon
from tenure.optim.nadam import NAdam
from tenure.optim.optimizer import Optimizer
from tenure.optim.radam import RAdam
from tenure.optim.rmsprop import RMSprop
from tenure.optim.rprop import Rprop
from tenure.optim.sgd import SGD
from tenure.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]
