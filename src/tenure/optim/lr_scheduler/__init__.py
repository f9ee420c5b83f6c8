"""Schedules of the learning rate: what it is at each step of a training. A new rate compiles nothing."""

from tenure.optim.lr_scheduler.composed import ChainedScheduler, SequentialLR
from tenure.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from tenure.optim.lr_scheduler.cycles import CyclicLR, OneCycleLR
from tenure.optim.lr_scheduler.factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from tenure.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tenure.optim.lr_scheduler.scheduler import LRScheduler
from tenure.optim.lr_scheduler.scheduler import _LRScheduler as _LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
