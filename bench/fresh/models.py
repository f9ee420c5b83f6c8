"""The first training step of ordinary models, in a process of its own.

python -m fresh.models tenure mlp     prints the loss after a step
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fresh.examples import first_rows, first_step, source


def trained(lib: Any, model: Any, loss: Callable[[], Any]) -> float:
    """The loss before and after a step of Adam, from weights that are the same in every library."""
    rng = np.random.default_rng(0)
    for p in model.parameters():
        p.data = lib.tensor((rng.standard_normal(tuple(p.shape)) / 8).astype("f4"))
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-2)
    before = loss()
    optimizer.zero_grad()
    before.backward()
    optimizer.step()
    return float(before.item() - loss().item())


def normal(lib: Any, *shape: int) -> Any:
    return lib.tensor(np.random.default_rng(1).standard_normal(shape).astype("f4"))


def labels(lib: Any, n: int, classes: int) -> Any:
    return lib.tensor(np.random.default_rng(2).integers(classes, size=n))


def mlp(lib: Any) -> float:
    nn = lib.nn
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 10))
    x, y = normal(lib, 32, 64), labels(lib, 32, 10)
    return trained(lib, model, lambda: nn.functional.cross_entropy(model(x), y))


def normalized(lib: Any) -> float:
    nn = lib.nn
    model = nn.Sequential(
        nn.Linear(32, 64), nn.LayerNorm(64), nn.SiLU(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )
    x, y = normal(lib, 64, 32), normal(lib, 64, 1)
    return trained(lib, model, lambda: nn.functional.mse_loss(model(x), y))


def gru(lib: Any) -> float:
    nn = lib.nn
    model = nn.ModuleList([nn.GRU(16, 32), nn.Linear(32, 8)])
    x, y = normal(lib, 12, 8, 16), labels(lib, 8, 8)
    return trained(lib, model, lambda: nn.functional.cross_entropy(model[1](model[0](x)[0][-1]), y))


def transformer(lib: Any) -> float:
    nn = lib.nn
    layer = nn.TransformerEncoderLayer(32, 4, dim_feedforward=64, dropout=0.0, batch_first=True)
    model = nn.ModuleList([nn.Embedding(100, 32), layer, nn.Linear(32, 10)])
    x, y = labels(lib, 8 * 16, 100).reshape(8, 16), labels(lib, 8, 10)
    return trained(lib, model, lambda: nn.functional.cross_entropy(model[2](layer(model[0](x)).mean(1)), y))


def seed(lib: Any) -> float:
    names: dict[str, Any] = {}
    exec(source("seed", lib.__name__), names)
    return float(names["z"].item())


def step(name: str, lib: Any) -> float:
    return first_step(name, lib.__name__)


def vectors(lib: Any) -> float:
    return first_rows(lib.__name__)


EXAMPLES = ("digits", "convnet", "lstm", "transformer", "vae", "gp", "ode", "dqn")
MODELS: dict[str, Callable[[Any], float]] = {
    "examples/seed.py": seed,
    **{f"examples/{name}.py": partial(step, name) for name in EXAMPLES},
    "examples/word_vectors.py": vectors,
    "MLP": mlp,
    "layer norm": normalized,
    "GRU": gru,
    "transformer layer": transformer,
}


def main() -> None:
    """Run one and print what it gives."""
    side, name = sys.argv[1:]
    lib = importlib.import_module(side)
    if side == "torch":
        lib.set_num_threads(1)
    print("result", MODELS[name](lib))


if __name__ == "__main__":
    main()
