"""``torch.quasirandom``: Sobol' sequences of SciPy, where it is installed."""

from __future__ import annotations

import importlib
from typing import Any

from tenure.torch.absent import missing
from tenure.torch.cells import Tensor
from tenure.values.operations.casting import to
from tenure.values.operations.creation import tensor


class SobolEngine:
    """Engine of a Sobol' sequence."""

    MAXBIT, MAXDIM = 30, 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}], got {dimension}"
            )
        try:
            qmc = importlib.import_module("scipy.stats").qmc
        except ImportError:
            raise missing("torch.quasirandom.SobolEngine without SciPy", "pip install scipy") from None
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self._engine = qmc.Sobol(dimension, scramble=scramble, rng=seed)
        self.num_generated = 0

    def draw(self, n: int = 1, out: Any = None, dtype: Any = None) -> Any:
        """The next points: a tensor (n, dimension)."""
        points = self._engine.random(n)
        self.num_generated += n
        made = Tensor._of(to(tensor(points), getattr(dtype, "home", "float32")))
        return made if out is None else out.copy_(made)

    def draw_base2(self, m: int, out: Any = None, dtype: Any = None) -> Any:
        """The next 2 ** m points."""
        return self.draw(2**m, out, dtype)

    def reset(self) -> Any:
        """Begin again."""
        self._engine.reset()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> Any:
        """Leave out so many points."""
        self._engine.fast_forward(n)
        self.num_generated += n
        return self
