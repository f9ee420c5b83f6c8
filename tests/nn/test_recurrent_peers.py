"""Recurrent layers beside PyTorch's, with its weights: states and gradients."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn

pytestmark = pytest.mark.peers
RNG = np.random.default_rng(6)
FORMS = [
    (kind, form)
    for kind, own in (("GRU", {}), ("LSTM", {}), ("LSTM", {"proj_size": 3}), ("RNN", {"nonlinearity": "relu"}))
    for form in (
        own,
        {"num_layers": 2, "bidirectional": True, **own},
        {"batch_first": True, "bias": False, **own},
    )
]


def both(kind: str, *args: Any, **form: Any) -> tuple[Any, Any]:
    """PyTorch's layer, and ours with its weights."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = getattr(torch.nn, kind)(*args, **form).double()
    ours = getattr(nn, kind)(*args, **form, dtype=tn.float64)
    ours.load_state_dict({k: tn.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return theirs, ours


def flat(found: Any) -> list[Any]:
    """The tensors of nested tuples, as arrays."""
    if isinstance(found, tuple):
        return list(itertools.chain.from_iterable(map(flat, found)))
    return [found.detach().numpy()]


@pytest.mark.parametrize(("kind", "form"), FORMS, ids=str)
@pytest.mark.parametrize("started", [False, True])
def test_layers(kind: str, form: dict[str, Any], started: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = both(kind, 3, 5, **form)
    x, count = RNG.standard_normal((4, 6, 3)), form.get("num_layers", 1) * (1 + form.get("bidirectional", False))
    sizes = [form.get("proj_size", 5), 5][: 2 if kind == "LSTM" else 1]
    starts = [RNG.standard_normal((count, 4 if form.get("batch_first") else 6, n)) for n in sizes]

    def run(library: Any, layer: Any) -> Any:
        states = tuple(map(library.tensor, starts))
        return layer(library.tensor(x), (states if kind == "LSTM" else states[0]) if started else None)

    a, b = run(torch, theirs), run(tn, ours)
    (a[0] ** 2).sum().backward()
    (b[0] ** 2).sum().backward()
    pairs = [*zip(flat(a), flat(b), strict=True)]
    pairs += [(p.grad.numpy(), q.grad.numpy()) for p, q in zip(theirs.parameters(), ours.parameters(), strict=True)]
    for wanted, found in pairs:
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell", "RNNCell"])
def test_cells(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs, ours = both(kind, 3, 5)
    x = RNG.standard_normal((4, 3))
    for wanted, found in zip(flat(theirs(torch.tensor(x))), flat(ours(tn.tensor(x))), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
