"""Kullback–Leibler divergences: the registry of pairs of distributions, and those that come with the library."""

from __future__ import annotations

from tenure.distributions import kl_mixed, kl_same
from tenure.distributions.kl_registry import kl_divergence, register_kl

__all__ = ["kl_divergence", "kl_mixed", "kl_same", "register_kl"]
