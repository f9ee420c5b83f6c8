"""Layers and losses: numbers at the edges, state, and what is refused."""

import math
from typing import Any

import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tenure.values.run.force import COUNTS


def test_activations_far_from_zero() -> None:
    x = tn.tensor([-1e4, -30.0, 0.0, 30.0, 1e4, math.nan], requires_grad=True)
    slopes = {
        F.gelu: [0, 0, 0.5, 1, 1],
        F.silu: [0, 0, 0.5, 1, 1],
        F.softplus: [0, 0, 0.5, 1, 1],
        F.logsigmoid: [1, 1, 0.5, 0, 0],
        F.leaky_relu: [0.01, 0.01, 0.01, 1, 1],
        F.elu: [0, 0, 1, 1, 1],
    }
    for function, wanted in slopes.items():
        x.grad = None
        y = function(x)
        assert math.isnan(y[5].item())
        y[:5].sum().backward()
        assert x.grad[:5].tolist() == pytest.approx(wanted, abs=1e-6), function
    assert F.logsigmoid(x)[0].item() == -1e4
    assert F.softplus(x, beta=2.0)[4].item() == 1e4
    with pytest.raises(ValueError, match="approximate is 'none' or 'tanh', not 'fast'"):
        F.gelu(x, "fast")


def test_layer_norm() -> None:
    x = tn.tensor([[1.0, 2.0, 3.0], [7.0, 7.0, 7.0]])
    y = F.layer_norm(x, (3,))
    assert y[1].tolist() == [0.0, 0.0, 0.0]
    assert y[0].tolist() == pytest.approx([-math.sqrt(1.5), 0, math.sqrt(1.5)], rel=1e-4)
    assert F.layer_norm(tn.zeros(0, 3), (3,)).shape == (0, 3)
    assert repr(nn.LayerNorm(3)) == "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)"
    assert list(nn.LayerNorm([2, 3], bias=False).state_dict()) == ["weight"]
    assert list(nn.LayerNorm(3, elementwise_affine=False).parameters()) == []
    with pytest.raises(tn.ShapeError, match=r"TN802: layer_norm over \[2\] of an input of shape \[2, 3\]"):
        F.layer_norm(x, (2,))
    with pytest.raises(tn.ShapeError, match=r"weight has shape \[2\]"):
        F.layer_norm(x, (3,), tn.ones(2))
    with pytest.raises(tn.DTypeError, match="TN802"):
        F.layer_norm(tn.arange(3), (3,))


def test_embedding() -> None:
    layer = nn.Embedding(5, 2, padding_idx=-1)
    assert layer.weight[4].tolist() == [0.0, 0.0]
    assert layer.padding_idx == 4
    assert repr(layer) == "Embedding(5, 2, padding_idx=4)"
    assert layer(tn.tensor([[0, 4], [4, 1], [1, 1]])).shape == (3, 2, 2)
    layer(tn.tensor([0, 4, 4, 1, 1, 1])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0] * 2, [3.0] * 2, [0.0] * 2, [0.0] * 2, [0.0] * 2]
    assert layer(tn.tensor(3)).shape == (2,)
    assert layer(tn.zeros(0).long()).shape == (0, 2)


@pytest.mark.parametrize("index", [5, -1])
def test_an_index_outside_the_rows(index: int) -> None:
    rows = nn.Embedding(5, 2)(tn.tensor([0, index]))  # the user's line
    with pytest.raises(tn.OutOfRange, match="TN801") as caught:
        rows.tolist()
    assert "# the user's line" in str(caught.value)


def test_refused_embeddings() -> None:
    with pytest.raises(tn.DTypeError, match="TN802: embedding: indices of dtype float32"):
        F.embedding(tn.ones(2), tn.ones(3, 2))
    with pytest.raises(tn.ShapeError, match=r"TN802: embedding: a weight of shape \[3\]"):
        F.embedding(tn.arange(2), tn.ones(3))
    for make in (lambda: nn.Embedding(3, 2, padding_idx=3), lambda: F.embedding(tn.arange(2), tn.ones(3, 2), -4)):
        with pytest.raises(ValueError, match="is not within the 3 rows"):
            make()


def test_attention() -> None:
    q, k, v = tn.zeros(2, 3, 4), tn.randn(2, 5, 4), tn.randn(2, 5, 6)
    out = F.scaled_dot_product_attention(q, k, v)
    assert out.shape == (2, 3, 6)
    assert out[0, 0].tolist() == pytest.approx(v[0].mean(axis=0).tolist(), abs=1e-6)
    first = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert (first[:, 0] - v[:, 0]).abs().max().item() < 1e-6
    leaf = tn.Var(k, requires_grad=True)
    blind = F.scaled_dot_product_attention(q, leaf, v, tn.zeros(3, 5).bool())
    assert blind.abs().sum().item() == 0
    blind.sum().backward()
    assert leaf.grad.abs().sum().item() == 0
    with pytest.raises(ValueError, match="not both"):
        F.scaled_dot_product_attention(q, k, v, tn.zeros(3, 5), is_causal=True)
    with pytest.raises(tn.ShapeError, match=r"TN802: attention: key has shape \[4\]"):
        F.scaled_dot_product_attention(q, k[0, 0], v)
    with pytest.raises(tn.ShapeError, match="TN802: matmul"):
        F.scaled_dot_product_attention(q, k[:, :, :3], v)


def test_multihead_attention() -> None:
    layer = nn.MultiheadAttention(6, 2)
    assert list(layer.state_dict()) == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
    out, weights = layer(tn.randn(4, 3, 6), tn.randn(5, 3, 6), tn.randn(5, 3, 6))
    assert (out.shape, weights.shape) == ((4, 3, 6), (3, 4, 5))
    assert weights.sum(axis=-1).tolist() == [pytest.approx([1.0] * 4)] * 3
    assert layer(tn.ones(4, 6), tn.ones(5, 6), tn.ones(5, 6), need_weights=False)[1] is None
    with pytest.raises(ValueError, match="embed_dim 6 is not a multiple of num_heads 4"):
        nn.MultiheadAttention(6, 4)
    with pytest.raises(tn.ShapeError, match=r"TN802: attention: key has shape \[5, 3, 4\]"):
        layer(tn.ones(4, 3, 6), tn.ones(5, 3, 4), tn.ones(5, 3, 6))
    with pytest.raises(tn.DTypeError, match="TN802: attention: attn_mask is of dtype int64"):
        layer(tn.ones(4, 6), tn.ones(5, 6), tn.ones(5, 6), attn_mask=tn.ones(4, 5).long())
    with pytest.raises(ValueError, match="activation is 'relu', 'gelu' or a function"):
        nn.TransformerEncoderLayer(6, 2, activation="tanh")


def test_recurrent_layers() -> None:
    cell = nn.GRUCell(3, 4)
    assert list(cell.state_dict()) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    assert cell(tn.ones(2, 3)).shape == (2, 4)
    assert cell(tn.ones(3)).shape == (4,)
    assert repr(cell) == "GRUCell(3, 4)"
    layer = nn.GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    out, last = layer(tn.ones(5, 7, 3))
    assert (out.shape, last.shape) == ((5, 7, 8), (4, 5, 4))
    assert repr(layer) == "GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True)"
    assert out[:, -1, :4].tolist() == last[2].tolist()
    assert out[:, 0, 4:].tolist() == last[3].tolist()
    for p in layer.parameters():
        assert p.detach().abs().max().item() <= 0.5
    with pytest.raises(tn.ShapeError, match=r"TN802: an input of shape \[2, 4\]"):
        cell(tn.ones(2, 4))
    with pytest.raises(tn.ShapeError, match=r"TN802: a state of shape \[3, 4\], where \[2, 4\]"):
        cell(tn.ones(2, 3), tn.zeros(3, 4))
    with pytest.raises(tn.ShapeError, match="2 or 3 axes"):
        layer(tn.ones(3))
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.GRU(3, 4, dropout=2.0)


LOSSES: dict[str, Any] = {
    "l1_loss": (F.l1_loss, [1.0, 0.0, 3.0]),
    "smooth_l1_loss": (F.smooth_l1_loss, [0.5, 0.0, 2.5]),
    "huber_loss": (lambda x, y, reduction: F.huber_loss(x, y, reduction, delta=2.0), [0.5, 0.0, 4.0]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_distances(name: str) -> None:
    function, wanted = LOSSES[name]
    x, y = tn.tensor([1.0, 2.0, 0.0]), tn.tensor([0.0, 2.0, 3.0])
    assert function(x, y, reduction="none").tolist() == wanted
    assert function(x, y, reduction="sum").item() == sum(wanted)
    with pytest.raises(tn.ShapeError, match=f"TN802: {name}: input of shape \\[3\\], target of shape \\[2\\]"):
        function(x, y[:2], reduction="mean")
    with pytest.raises(ValueError, match="reduction is"):
        function(x, y, reduction="avg")


def test_refused_losses() -> None:
    with pytest.raises(tn.ShapeError, match="TN802: binary_cross_entropy_with_logits"):
        F.binary_cross_entropy_with_logits(tn.ones(3), tn.ones(3, 1))
    with pytest.raises(ValueError, match="beta is not negative"):
        F.smooth_l1_loss(tn.ones(1), tn.ones(1), beta=-1.0)
    with pytest.raises(ValueError, match="delta is above zero"):
        F.huber_loss(tn.ones(1), tn.ones(1), delta=0.0)


@pytest.mark.parametrize(("x", "y", "what"), [([0.5, 1.5], [1.0, 1.0], "input"), ([0.5], [-1.0], "target"),
                                              ([float("nan")], [1.0], "input")])  # fmt: skip
def test_binary_cross_entropy_takes_probabilities(x: list[float], y: list[float], what: str) -> None:
    p = tn.tensor(x, requires_grad=True)
    loss = F.binary_cross_entropy(p * 1.0, tn.tensor(y))
    with pytest.raises(tn.DomainError, match=f"binary_cross_entropy: {what} is"):
        loss.item()


def test_binary_cross_entropy_at_zero_and_far_away() -> None:
    x = tn.tensor([0.0, 200.0, -200.0, 200.0], requires_grad=True)
    y = tn.tensor([1.0, 1.0, 0.0, 0.0])
    losses = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    assert losses.tolist() == pytest.approx([math.log(2), 0, 0, 200])
    losses.sum().backward()
    assert x.grad.tolist() == pytest.approx([-0.5, 0, 0, 1])


def test_clipping() -> None:
    w, v = tn.tensor([3.0], requires_grad=True), nn.Parameter(tn.tensor([1.0, 2.0]))
    unused = nn.Parameter(tn.ones(1))
    (w * 6.0 + (v * tn.tensor([3.0, 2.0])).sum()).sum().backward()
    before = v.grad.value
    assert nn.utils.clip_grad_norm_([w, v, unused], 3.5).item() == 7.0
    assert w.grad.tolist() == pytest.approx([3.0])
    assert v.grad.tolist() == pytest.approx([1.5, 1.0])
    assert before.tolist() == [3.0, 2.0]
    assert unused.grad is None
    assert nn.utils.clip_grad_norm_(v, 100.0).item() == pytest.approx(math.hypot(1.5, 1.0))
    assert nn.utils.clip_grad_norm_([w, v], 100.0, math.inf).item() == pytest.approx(3.0)
    nn.utils.clip_grad_value_([w, v, unused], 1.25)
    assert v.grad.tolist() == pytest.approx([1.25, 1.0])
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
    with pytest.raises(ValueError, match="norm_type is above zero"):
        nn.utils.clip_grad_norm_(v, 1.0, 0.0)


@pytest.mark.parametrize("kind", ["gru", "block"])
def test_training_builds_no_programs_after_its_first_steps(kind: str) -> None:
    tn.manual_seed(0)
    model: Any = nn.GRU(3, 4, num_layers=2) if kind == "gru" else nn.Sequential(nn.LayerNorm(3), nn.GELU())
    optimizer = tn.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.5, centered=True)
    counts = []
    for _ in range(8):
        optimizer.zero_grad()
        out = model(tn.randn(3, 2, 3))
        loss = (out[0] if kind == "gru" else out).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        loss.item()
        counts.append(COUNTS["programs"])
    assert counts[4] == counts[-1]


def test_batch_norm_writes_its_statistics_in_training_only() -> None:
    norm = nn.BatchNorm1d(2)
    x = tn.tensor([[1.0, 2.0], [3.0, 6.0]])
    before = norm.running_mean.value
    y = norm(x)
    assert y.mean(dim=0).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    assert (before.tolist(), norm.running_mean.tolist()) == ([0.0, 0.0], pytest.approx([0.2, 0.4]))
    assert (norm.running_var.tolist(), norm.num_batches_tracked.item()) == (pytest.approx([1.1, 1.7]), 1)
    norm.eval()
    norm(x * 100)
    assert (norm.running_mean.tolist(), norm.num_batches_tracked.item()) == (pytest.approx([0.2, 0.4]), 1)
    assert set(norm.state_dict()) == {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    bare = nn.BatchNorm1d(2, affine=False, track_running_stats=False).eval()
    assert bare(x).tolist() == norm.train()(x).tolist() and not bare.state_dict()
    norm.reset_running_stats()
    assert norm.running_mean.tolist() == [0.0, 0.0]
    for bad in (tn.ones(1, 2), tn.ones(2, 3), tn.ones(2)):
        with pytest.raises(tn.ShapeError, match="TN802"):
            norm(bad)
