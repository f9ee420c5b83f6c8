"""The face's elementwise layers without arguments beside PyTorch's: values, and the classes that they descend from."""

from typing import Any

import numpy as np
import pytest

from tenure import torch as face

SKIPPED = {"Softmax", "LogSoftmax", "Softmin", "RReLU"}
"""Those that ask for an axis, or draw."""


@pytest.mark.peers
def test_layers_of_the_activation_room() -> None:
    torch = pytest.importorskip("torch")
    x = np.linspace(-8, 8, 48, dtype="f4").reshape(1, 4, 12)
    found = 0
    for name in torch.nn.modules.activation.__all__:
        theirs, ours = _made(torch.nn, name), _made(face.nn, name)
        if theirs is None or name in SKIPPED:
            continue
        found += 1
        np.testing.assert_allclose(
            ours(face.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6
        )
        for base in type(theirs).__mro__:
            if base.__module__.startswith("torch.nn.modules.activation"):
                assert isinstance(ours, getattr(face.nn, base.__name__)), (name, base)
    assert found > 15


def _made(nn: Any, name: str) -> Any:
    """A layer, unless it needs arguments."""
    try:
        return getattr(nn, name)()
    except TypeError:
        return None
