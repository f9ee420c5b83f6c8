"""autocast on the CPU: the dtypes and numbers of PyTorch."""

from __future__ import annotations

import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers


def trained(library) -> tuple[list[str], list[float]]:
    """Dtypes of what a few functions give under autocast, and the losses of a small net."""
    nn, F = library.nn, library.nn.functional
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4))
    with library.no_grad():
        for p in net.parameters():
            p.copy_(library.linspace(-0.7, 0.9, p.numel()).view_as(p))
    x, target = library.linspace(-1, 1, 32).view(2, 1, 4, 4), library.tensor([1, 3])
    optimizer = library.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        with library.autocast("cpu"):
            y = net(x)
            loss = nn.CrossEntropyLoss()(y, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    a = library.ones(2, 3)
    with library.autocast("cpu", dtype=library.bfloat16):
        found = [
            y, loss, a @ a.T, library.mm(a, a.t()), a + a, F.softmax(a @ a.T, -1), library.einsum("ij,kj->ik", a, a),
            F.mse_loss(a @ a.T, library.ones(2, 2)), library.cat([a, a @ a.T], 1), a.double() @ a.T.double(),
            nn.MultiheadAttention(4, 2)(*[library.ones(1, 2, 4)] * 3)[0],
        ]  # fmt: skip
        with library.autocast("cpu", enabled=False):
            found.append(a @ a.T)
    return [str(x.dtype) for x in [*found, a @ a.T, net[0].weight.grad]], losses


def test_autocast_has_pytorchs_dtypes_and_losses():
    import torch

    (here, losses), (there, wanted) = trained(face), trained(torch)
    assert here == there
    assert losses == pytest.approx(wanted, rel=1e-2)
