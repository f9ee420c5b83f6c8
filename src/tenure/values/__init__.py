"""Tensors, places and borrows, and the recorder behind them."""

from tenure.values import autograd, modes, var

__all__ = ["autograd", "modes", "var"]
