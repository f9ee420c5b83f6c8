"""Starting weights and data that do not depend on the library that runs the program."""

import numpy as np
import torch


def start(model, seed=0, scale=1.0):
    """Fill the parameters of a model with numbers of a NumPy generator."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for p in model.parameters():
            fan = p[0].numel() if p.dim() > 1 else max(p.numel(), 1)
            values = rng.standard_normal(tuple(p.shape)) * (scale / fan**0.5)
            p.copy_(torch.from_numpy(values.astype(np.float32)))
    return model


def normal(rng, *shape):
    """Normal numbers, float32."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def whole(rng, high, *shape):
    """Whole numbers below a limit, int64."""
    return torch.from_numpy(rng.integers(0, high, shape))
