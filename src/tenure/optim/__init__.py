"""Optimizers: they own the state of each parameter and write the parameters they were given."""

from tenure.optim.adam import Adam, AdamW
from tenure.optim.optimizer import Optimizer
from tenure.optim.rmsprop import RMSprop
from tenure.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]
