"""Utilities of training loops for the parameters of a model."""

from tenure.nn.utils import rnn
from tenure.nn.utils.clip import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "rnn", "vector_to_parameters"]
