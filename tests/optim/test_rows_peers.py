"""Steps on sparse gradients beside PyTorch's: the same losses, tables, states and refusals over 50 steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn
import tenure.torch as face

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:Sparse invariant checks")]
TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.5}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.01, "momentum": 0.5, "dampening": 0.5, "maximize": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adagrad", {"lr": 0.01, "maximize": True}),
    ("SparseAdam", {"lr": 0.05}),
    ("SparseAdam", {"lr": 0.01, "betas": (0.5, 0.7), "maximize": True}),
]
START = np.random.default_rng(0).standard_normal((20, 3))
BATCHES = np.random.default_rng(1).integers(0, 20, (50, 6))


def layer(lib: Any, kind: str) -> Any:
    """A table of rows or bags, the same in both libraries."""
    of = lib.nn.Embedding if kind == "Embedding" else lib.nn.EmbeddingBag
    e = of(20, 3, sparse=True, padding_idx=3, **({} if kind == "Embedding" else {"mode": kind}), dtype=lib.float64)
    e.weight.data = lib.tensor(START)
    return e


def trained(lib: Any, kind: str, name: str, options: dict[str, Any]) -> tuple[list[float], Any, Any]:
    """Losses of 50 steps, every third on two batches, with gradients clipped now and then."""
    e, losses = layer(lib, kind), []
    optimizer = getattr(lib.optim, name)(e.parameters(), **options)
    for k, batch in enumerate(BATCHES):
        if k % 3:
            optimizer.zero_grad(set_to_none=k % 2 > 0)
        loss = ((e(lib.tensor(batch.reshape(2, 3))) - 1.0) ** 2).mean()
        loss.backward()
        if k % 5 == 0:
            e.weight.grad.mul_(0.5)
        optimizer.step()
        losses.append(loss.item())
    return losses, e.weight, optimizer


@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [*[("Embedding", *taken) for taken in TAKEN], ("sum", *TAKEN[-1]), ("mean", *TAKEN[0])],
)
def test_fifty_steps(kind: str, name: str, options: dict[str, Any]) -> None:
    (theirs, w, one), (ours, v, other) = (trained(lib, kind, name, options) for lib in (torch, tn))
    assert np.allclose(ours, theirs, rtol=1e-9) and np.allclose(v.detach().numpy(), w.detach().numpy(), rtol=1e-9)
    assert v.grad.is_sparse and np.allclose(v.grad.to_dense().numpy(), w.grad.to_dense().numpy(), rtol=1e-9)
    expected, found = (dict(o.state_dict()["state"]).get(0, {}) for o in (one, other))
    assert expected.keys() == found.keys()
    for key, x in expected.items():
        x, y = ((z.to_dense() if getattr(z, "is_sparse", False) else z) for z in (x, found[key]))
        assert np.allclose(np.asarray(y), np.asarray(x), rtol=1e-9), key


@pytest.mark.parametrize("name", ["SGD", "SparseAdam"])
def test_the_face_takes_the_same_steps(name: str) -> None:
    (ours, v, _), (theirs, w, _) = (trained(lib, "Embedding", name, {"lr": 0.1}) for lib in (tn, face))
    assert ours == theirs and v.detach().tolist() == w.detach().tolist() and w.grad.is_sparse
    norms = [float(lib.nn.utils.clip_grad_norm_([p], 1.0)) for lib, p in ((tn, v), (face, w))]
    assert norms[0] == norms[1] and str(v.grad).replace("tenure.", "torch.") == str(w.grad)


def test_it_prints_and_lists_what_theirs_does() -> None:
    for steps in (lambda e, lib: e(lib.tensor([1, 3, 1])), lambda e, lib: e(lib.tensor([[2, 0]])) * 2):
        shown = []
        for lib in (torch, tn):
            e = layer(lib, "Embedding")
            steps(e, lib).sum().backward()
            g = e.weight.grad
            shown += [[str(x) for x in (g, g.coalesce(), g * 2, g._nnz(), g.coalesce().indices(), tuple(g.shape))]]
        assert [x.replace("torch.", "tenure.") for x in shown[0]] == shown[1]


@pytest.mark.parametrize(
    "name", ["Adam", "AdamW", "RMSprop", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD", "Adafactor", "Muon"]
)
def test_who_takes_none(name: str) -> None:
    for lib in (torch, tn):
        with pytest.raises(RuntimeError, match="does not support sparse gradients"):
            trained(lib, "Embedding", name, {})
