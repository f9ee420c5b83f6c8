"""Tensors, places and borrows, and the recorder behind them."""

from tenure.values.grad import autograd
from tenure.values.places import var
from tenure.values.rules import modes

__all__ = ["autograd", "modes", "var"]
