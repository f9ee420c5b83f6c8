"""Attention of queries that see no key: zeros, gradients zero and finite, and the other queries as without them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tenure import nn
from tenure.nn import functional as F

N, HEADS, LENGTH, KEYS, SIZE = 2, 2, 4, 5, 6
SEEN = np.random.default_rng(4).integers(0, 2, (LENGTH, KEYS)).astype(bool)
SEEN[1] = False
SEEN[[0, 2, 3], 0] = True
PADDING = np.zeros((N, KEYS), bool)
PADDING[0, 3:] = True
PADDING[1] = True  # the second sequence is all padding
BLIND = [1]


def additive(hidden: Any) -> Any:
    return np.where(hidden, -np.inf, np.float64(0.25)).astype("float64")


MASKS = {
    "bool": {"attn_mask": ~SEEN},
    "float": {"attn_mask": additive(~SEEN)},
    "heads": {"attn_mask": np.broadcast_to(~SEEN, (N * HEADS, LENGTH, KEYS)).copy()},
    "padding": {"key_padding_mask": PADDING},
    "padding float": {"key_padding_mask": additive(PADDING)},
    "both": {"attn_mask": ~SEEN, "key_padding_mask": PADDING},
    "both, mixed": {"attn_mask": additive(~SEEN), "key_padding_mask": PADDING},
    "both, float": {"attn_mask": additive(~SEEN), "key_padding_mask": additive(PADDING)},
}


def seen_by(masks: dict[str, Any]) -> Any:
    """(batch, query, key): which keys take part."""
    out = np.ones((N, LENGTH, KEYS), bool)
    for name, mask in masks.items():
        hidden = mask if mask.dtype == bool else np.isinf(mask)
        out &= ~(hidden[:, None] if name == "key_padding_mask" else hidden[:LENGTH] if hidden.ndim == 2 else hidden[0])
    return out


def data() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(1)
    shapes = ((N, LENGTH, SIZE), (N, KEYS, SIZE), (N, KEYS, SIZE))
    q, k, v = (tn.tensor(rng.standard_normal(s), requires_grad=True) for s in shapes)
    return q, k, v


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS)
def test_multihead_attention(masks: dict[str, Any], batch_first: bool) -> None:
    layer = nn.MultiheadAttention(SIZE, HEADS, batch_first=batch_first, dtype=tn.float64)
    leaves = data()
    q, k, v = (x if batch_first else x.transpose(0, 1) for x in leaves)
    out, weights = layer(q, k, v, **{name: tn.tensor(m) for name, m in masks.items()})
    out = out if batch_first else out.transpose(0, 1)
    seen = seen_by(masks)
    blind = ~seen.any(-1)
    assert blind.any()
    assert blind.all() == (not seen.any())
    assert_array_equal(weights.detach().numpy() == 0, ~seen)
    assert_allclose(weights.detach().numpy().sum(-1), ~blind, rtol=1e-12)
    assert_array_equal(out.detach().numpy()[blind], np.broadcast_to(layer.out_proj.bias.detach(), (blind.sum(), SIZE)))
    (out * tn.tensor(np.random.default_rng(2).standard_normal(out.shape))).sum().backward()
    for x in (*leaves, *layer.parameters()):
        assert x.grad is not None
        assert np.isfinite(x.grad.numpy()).all()
    assert not leaves[0].grad.numpy()[blind].any()
    assert not leaves[2].grad.numpy()[~seen.any(1)].any(), "a key that nobody sees"


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_the_other_queries_are_as_without_blind_ones(kind: str) -> None:
    rest = [i for i in range(LENGTH) if i not in BLIND]
    found = []
    for rows in (slice(None), rest):
        q, k, v = data()
        mask = tn.tensor((SEEN if kind == "bool" else additive(~SEEN))[rows])
        out = F.scaled_dot_product_attention(q[:, rows], k, v, mask)
        if rows != rest:
            assert not out.detach().numpy()[:, BLIND].any()
            out = out[:, rest]
        (out * out).sum().backward()
        found.append([out.detach().numpy(), *(x.grad.numpy() for x in (q, k, v))])
    for x, y in zip(*found, strict=True):
        assert_allclose(x, y, rtol=1e-10, atol=1e-13)


def test_a_learned_mask_of_minus_infinity() -> None:
    """Its gradient is finite, and 0 where nothing is seen."""
    q, k, v = data()
    mask = tn.tensor(additive(~SEEN), requires_grad=True)
    F.scaled_dot_product_attention(q, k, v, mask).square().sum().backward()
    assert mask.grad is not None
    assert np.isfinite(mask.grad.numpy()).all()
    assert not mask.grad.numpy()[~SEEN].any()


def test_second_derivatives_are_finite() -> None:
    def loss(q: Any) -> Any:
        _, k, v = data()
        return F.scaled_dot_product_attention(q, k.detach(), v.detach(), tn.tensor(additive(~SEEN))).square().sum()

    second = tn.grad(lambda q: (tn.grad(loss)(q) ** 2).sum())(data()[0].detach()).numpy()
    assert np.isfinite(second).all()
    assert not second[:, BLIND].any()


def test_an_encoder_layer() -> None:
    for first, norm in itertools.product((True, False), repeat=2):
        layer = nn.TransformerEncoderLayer(SIZE, HEADS, 8, 0.0, batch_first=first, norm_first=norm, dtype=tn.float64)
        x = tn.tensor(np.random.default_rng(1).standard_normal((3, 3, SIZE)), requires_grad=True)
        out = layer(x, src_key_padding_mask=tn.tensor([[True] * 3, [False] * 3, [False, True, True]]))
        out.sum().backward()
        assert np.isfinite(out.detach().numpy()).all()
        assert all(np.isfinite(p.grad.numpy()).all() for p in (x, *layer.parameters()))


def test_what_is_not_a_number_stays_so() -> None:
    """Only what is masked is zero: NaN in a query is no mask."""
    q, k, v = (x.detach() for x in data())
    q = q.at[0, 0, 0].set(math.nan)
    out = F.scaled_dot_product_attention(q, k, v, tn.tensor(additive(~SEEN))).numpy()
    assert np.isnan(out[0, 0]).all()
    assert np.isfinite(out[1]).all()
