"""Sequences of several lengths beside PyTorch's: padding, packing, and recurrent layers over them."""

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn.utils import rnn

torch = pytest.importorskip("torch")

from tests.nn.test_layers_peers import leaves, same  # noqa: E402
from tests.nn.test_nn_peers import close  # noqa: E402
from tests.nn.test_transformer_peers import exchanged, normal  # noqa: E402

pytestmark = pytest.mark.peers
LENGTHS = [2, 5, 1, 3]


def alike(ours: Any, theirs: Any) -> None:
    for x, y in zip(ours, theirs, strict=True):
        assert (x is None) is (y is None)
        if x is not None:
            close(x, y)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_packing_and_padding(ordered: bool, batch_first: bool) -> None:
    lengths = sorted(LENGTHS, reverse=True) if ordered else LENGTHS
    shape = (4, 6, 3) if batch_first else (6, 4, 3)
    a, b = leaves(normal(*shape))
    form = {"batch_first": batch_first, "enforce_sorted": ordered}
    theirs = torch.nn.utils.rnn.pack_padded_sequence(a, lengths, **form)
    ours = rnn.pack_padded_sequence(b, tn.tensor(lengths), **form)
    alike(ours, theirs)
    options = {"batch_first": batch_first, "padding_value": -1.5, "total_length": 7}
    first, sizes = torch.nn.utils.rnn.pad_packed_sequence(theirs, **options)
    second, counts = rnn.pad_packed_sequence(ours, **options)
    close(counts, sizes)
    same(second, first, [b], [a])
    for x, y in zip(rnn.unpack_sequence(ours), torch.nn.utils.rnn.unpack_sequence(theirs), strict=True):
        close(x, y)


@pytest.mark.parametrize("side", ["left", "right"])
def test_lists_of_sequences(side: str) -> None:
    arrays = [normal(n, 2, seed=n) for n in LENGTHS]
    a, b = zip(*map(leaves, arrays), strict=True)
    form = {"batch_first": True, "padding_value": 2.0, "padding_side": side}
    same(rnn.pad_sequence(b, **form), torch.nn.utils.rnn.pad_sequence(a, **form), b, a)
    packed, other = (f(xs, False) for f, xs in ((rnn.pack_sequence, b), (torch.nn.utils.rnn.pack_sequence, list(a))))
    alike(packed, other)
    alike(rnn.unpack_sequence(packed), map(torch.tensor, arrays))


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("GRU", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2, "bias": False}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize(("name", "given"), KINDS, ids=[name for name, _ in KINDS])
def test_layers_over_packed_sequences(name: str, given: dict[str, Any], started: bool, ordered: bool) -> None:
    theirs, ours = getattr(torch.nn, name)(3, 4, **given), getattr(nn, name)(3, 4, **given)
    exchanged(theirs, ours)
    lengths = sorted(LENGTHS, reverse=True) if ordered else LENGTHS
    a, b = leaves(normal(5, 4, 3))
    count = given.get("num_layers", 1) * (2 if given.get("bidirectional") else 1)
    starts = [leaves(normal(count, 4, given.get("proj_size", 4), seed=1)), leaves(normal(count, 4, 4, seed=2))]
    hx = [tuple(s[k] for s in starts) if name == "LSTM" else starts[0][k] for k in (0, 1)] if started else [None, None]
    first, last = theirs(torch.nn.utils.rnn.pack_padded_sequence(a, lengths, enforce_sorted=ordered), hx[0])
    second, end = ours(rnn.pack_padded_sequence(b, lengths, enforce_sorted=ordered), hx[1])
    alike(second, first)
    if name == "LSTM":
        last, end = torch.cat([x.flatten() for x in last]), tn.cat([x.flatten() for x in end])
    close(end, last, rtol=1e-4, atol=1e-5)
    held = starts[: 2 if name == "LSTM" else 1] if started else []
    own = [*[s[1] for s in held], b, *ours.parameters()]
    other = [*[s[0] for s in held], a, *theirs.parameters()]
    total, sum_ = torch.cat([first.data.flatten(), last.flatten()]), tn.cat([second.data.flatten(), end.flatten()])
    same(sum_, total, own, other, rtol=1e-3, atol=1e-5)


def test_padding_says_nothing() -> None:
    layer, x = nn.GRU(3, 4, bidirectional=True), normal(5, 4, 3)
    y = np.where(np.arange(5)[:, None, None] < np.array(LENGTHS)[None, :, None], x, np.nan).astype("float32")
    for array in (x, y):
        leaf = tn.tensor(array, requires_grad=True)
        out, last = layer(rnn.pack_padded_sequence(leaf, LENGTHS, enforce_sorted=False))
        (out.data.sum() + last.sum()).backward()
        assert bool(leaf.grad.isfinite().all())
        layer.zero_grad()
