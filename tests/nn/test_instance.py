"""Instance normalization beside PyTorch's, and dropout of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn

RNG = np.random.default_rng(8)


@pytest.mark.peers
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("form", [{}, {"affine": True}, {"affine": True, "track_running_stats": True}], ids=str)
def test_instance_norms(n: int, form: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = getattr(torch.nn, f"InstanceNorm{n}d")(3, **form).double()
    ours = getattr(nn, f"InstanceNorm{n}d")(3, **form, dtype=tn.float64)
    x = RNG.standard_normal((2, 3, *(5, 4, 3)[:n])) + 1
    for training in (True, True, False):
        theirs.train(training)
        ours.train(training)
        a, b = torch.tensor(x, requires_grad=True), tn.tensor(x, requires_grad=True)
        y, z = theirs(a), ours(b)
        np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy(), atol=1e-12)
        (y**3).sum().backward()
        (z**3).sum().backward()
        assert b.grad is not None
        np.testing.assert_allclose(b.grad.numpy(), a.grad.numpy(), atol=1e-9)
        single = ours(tn.tensor(x[0])).detach().numpy()
        np.testing.assert_allclose(single, theirs(torch.tensor(x[0])).detach().numpy(), atol=1e-9)
    for key, wanted in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), wanted.numpy(), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("lead", [(64,), ()])
def test_channels_are_dropped_whole(n: int, lead: tuple[int, ...]) -> None:
    tn.manual_seed(1)
    layer = getattr(nn, f"Dropout{n}d")(0.25)
    x = tn.ones(*lead, 40, *(3, 2, 2)[:n])
    inner = 2 if n == 2 and not lead else 3 * 2 ** (n - 1)  # the first axis of dropout2d is the batch, always
    rows = layer(x).numpy().reshape(-1, inner)
    assert set(np.unique(rows)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (rows == rows[:, :1]).all() and abs((rows[:, 0] == 0).mean() - 0.25) < (0.05 if lead else 0.25)
    assert (layer.eval()(x) == x).all().item()
