"""Data sets, parts of them, and batches: sequences for training loops."""

from tenure.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from tenure.data.loader import DataLoader, default_collate

__all__ = [
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "random_split",
]
