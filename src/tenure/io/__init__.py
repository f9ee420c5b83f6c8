"""Files of tensors: PyTorch's format, safetensors, NumPy's, and checkpoints of a training run."""

from tenure.io import safetensors
from tenure.io.checkpoint import load_checkpoint, save_checkpoint
from tenure.io.npz import load_npy, load_npz, save_npy, save_npz
from tenure.io.safetensors import load_file, safe_open, save_file
from tenure.io.torchfile import load, save

__all__ = [
    "load",
    "load_checkpoint",
    "load_file",
    "load_npy",
    "load_npz",
    "safe_open",
    "safetensors",
    "save",
    "save_checkpoint",
    "save_file",
    "save_npy",
    "save_npz",
]
