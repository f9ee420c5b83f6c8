"""Blocks of networks, forward and backward: a transformer block, two layers of gated recurrent units."""

from __future__ import annotations

from typing import Any

import numpy as np

from rows import SETTLED, Arrays, Row, caches, normal
from rows.reductions import squares, with_gradient, with_gradient_pure


def block_inputs(rng: Any, batch: int, length: int, width: int, heads: int) -> Arrays:
    """A batch, the target, the number of heads, and the weights of a pre-norm block."""
    arrays = [normal(rng, batch, length, width), normal(rng, batch, length, width), np.array(heads)]
    for rows, columns in ((3 * width, width), (width, width), (4 * width, width), (width, 4 * width)):
        arrays += [normal(rng, rows, columns) / columns**0.5, 0.1 * normal(rng, rows)]
    return [*arrays, *[1 + 0.1 * normal(rng, width) for _ in range(4)]]


def split(m: Any, x: Any, heads: int) -> Any:
    """(batch, length, width) as (batch, heads, length, width / heads)."""
    batch, length, width = x.shape
    return m.permute(x.reshape(batch, length, heads, width // heads), 0, 2, 1, 3)


def joined(m: Any, x: Any) -> Any:
    """The reverse of ``split``."""
    batch, heads, length, width = x.shape
    return m.permute(x, 0, 2, 1, 3).reshape(batch, length, heads * width)


def block(m: Any, x: Any, g: Any, heads: Any, *weights: Any) -> Any:
    g, heads, width = m.array(g), int(heads), x.shape[-1]
    functional = m.lib.nn.functional

    def loss(x: Any, wa: Any, ba: Any, wo: Any, bo: Any, wu: Any, bu: Any, wd: Any, bd: Any, *norms: Any) -> Any:
        qkv = functional.linear(functional.layer_norm(x, (width,), norms[0], norms[1]), wa, ba)
        q, k, v = (split(m, qkv[..., width * n : width * (n + 1)], heads) for n in range(3))
        mixed = joined(m, functional.scaled_dot_product_attention(q, k, v, is_causal=True))
        x = x + functional.linear(mixed, wo, bo)
        up = functional.linear(functional.layer_norm(x, (width,), norms[2], norms[3]), wu, bu)
        return functional.mse_loss(x + functional.linear(functional.gelu(up), wd, bd), g)

    return with_gradient(m, loss, [m.leaf(a) for a in (x, *weights)])


def block_pure(m: Any, x: Any, g: Any, heads: Any, *weights: Any) -> Any:
    heads, (_, length, width), xp = int(heads), x.shape, m.np

    def norm(x: Any, w: Any, b: Any) -> Any:
        away = x - xp.mean(x, axis=-1, keepdims=True)
        return away / xp.sqrt(xp.mean(away * away, axis=-1, keepdims=True) + 1e-5) * w + b

    def loss(x: Any, wa: Any, ba: Any, wo: Any, bo: Any, wu: Any, bu: Any, wd: Any, bd: Any, *norms: Any) -> Any:
        *norms, g = norms
        qkv = norm(x, norms[0], norms[1]) @ wa.T + ba
        q, k, v = (split(m, qkv[..., width * n : width * (n + 1)], heads) for n in range(3))
        scores = (q @ xp.swapaxes(k, -1, -2)) * ((width // heads) ** -0.5)
        seen = xp.arange(length)[:, None] >= xp.arange(length)[None, :]
        mixed = joined(m, m.softmax(xp.where(seen, scores, -xp.inf), axis=-1) @ v)
        x = x + mixed @ wo.T + bo
        up = norm(x, norms[2], norms[3]) @ wu.T + bu
        up = 0.5 * up * (1.0 + m.erf(up * 0.5**0.5))
        return squares(m, x + up @ wd.T + bd, g)

    return with_gradient_pure(m, loss, [m.array(a) for a in (x, *weights)], m.array(g))


def gru_inputs(rng: Any, length: int, batch: int, width: int) -> Arrays:
    """A sequence, the target, and the parameters of two layers."""
    arrays = [normal(rng, length, batch, width), normal(rng, length, batch, width)]
    for _ in range(2):
        arrays += [normal(rng, 3 * width, width) / width**0.5 for _ in range(2)]
        arrays += [0.1 * normal(rng, 3 * width) for _ in range(2)]
    return arrays


def gru(m: Any, x: Any, g: Any, *weights: Any) -> Any:
    model = m.lib.nn.GRU(x.shape[-1], x.shape[-1], num_layers=2)
    for p, a in zip(model.parameters(), weights, strict=True):
        p.data = m.lib.tensor(a)
    x, g = m.array(x), m.array(g)
    loss_of = m.compile(lambda x: m.lib.nn.functional.mse_loss(model(x)[0], g))

    def step() -> Any:
        model.zero_grad()
        loss = loss_of(x)
        loss.backward()
        return (loss, *[p.grad for p in model.parameters()])

    return step


def gru_pure(m: Any, x: Any, g: Any, *weights: Any) -> Any:
    n = x.shape[-1]

    def layer(x: Any, wi: Any, wh: Any, bi: Any, bh: Any) -> Any:
        def step(h: Any, gates: Any) -> Any:
            ours = h @ wh.T + bh
            r = m.sigmoid(gates[:, :n] + ours[:, :n])
            z = m.sigmoid(gates[:, n : 2 * n] + ours[:, n : 2 * n])
            new = m.np.tanh(gates[:, 2 * n :] + r * ours[:, 2 * n :])
            h = new + z * (h - new)
            return h, h

        return m.scan(step, m.np.zeros_like(x[0]), x @ wi.T + bi)[1]

    def loss(*args: Any) -> Any:
        *ws, x, g = args
        return squares(m, layer(layer(x, *ws[:4]), *ws[4:]), g)

    return with_gradient_pure(m, loss, [m.array(a) for a in weights], m.array(x), m.array(g))


ROWS = [
    Row(
        "transformer block with gradient",
        caches((2, 32, 64, 4), (4, 128, 128, 4), (8, 256, 512, 8)),
        block_inputs,
        plain=block,
        pure=block_pure,
        tolerance=3e-4,
    ),
    Row(
        "2-layer GRU with gradient",
        caches((8, 4, 32), (16, 32, 128), (32, 128, 256)),
        gru_inputs,
        plain=gru,
        pure=gru_pure,
        warm_up=SETTLED,
        tolerance=3e-4,
    ),
]
