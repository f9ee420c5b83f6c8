"""Batch norm in training, attention by einsum, layer norm in bfloat16, and images of bytes as floats."""

from __future__ import annotations

from typing import Any

from rows import Row, normal
from rows.pointwise import one
from rows.reductions import squares, with_gradient, with_gradient_pure

NO_MLX = {"mlx": "CPU alone"}
IMAGES = {"L3": (16, 64, 28), "memory": (32, 64, 56)}
HEADS = {"L2": (2, 4, 64, 32), "L3": (4, 8, 128, 64)}
ROWS_OF = {"L2": (256, 256), "L3": (2048, 512)}


def _images(rng: Any, n: int, channels: int, side: int) -> list[Any]:
    x = normal(rng, n, channels, side, side)
    return [x, 1 + normal(rng, channels), normal(rng, channels), normal(rng, n, channels, side, side)]


def _batch_norm(m: Any, x: Any, w: Any, b: Any, g: Any) -> Any:
    g, functional = m.array(g), m.lib.nn.functional
    leaves = [m.leaf(a) for a in (x, w, b)]

    def loss(x: Any, w: Any, b: Any) -> Any:
        return functional.mse_loss(functional.batch_norm(x, None, None, w, b, training=True), g)

    return with_gradient(m, loss, leaves)


def _batch_norm_pure(m: Any, x: Any, w: Any, b: Any, g: Any) -> Any:
    def loss(x: Any, w: Any, b: Any, g: Any) -> Any:
        over = (0, 2, 3)
        away = x - m.np.mean(x, axis=over, keepdims=True)
        spread = m.np.mean(away * away, axis=over, keepdims=True)
        y = away / m.np.sqrt(spread + 1e-5) * w[None, :, None, None] + b[None, :, None, None]
        return squares(m, y, g)

    return with_gradient_pure(m, loss, [m.array(a) for a in (x, w, b)], m.array(g))


def _attention(functions: Any, softmax: Any, q: Any, k: Any, v: Any) -> Any:
    weights = softmax(functions.einsum("bhid,bhjd->bhij", q, k) * q.shape[-1] ** -0.5)
    return functions.einsum("bhij,bhjd->bhid", weights, v)


def _half(m: Any, *arrays: Any) -> Any:
    x, w, b = (m.array(a).to(m.lib.bfloat16) for a in arrays)
    call = m.compile(lambda x, w, b: m.lib.nn.functional.layer_norm(x, (x.shape[-1],), w, b))
    return lambda: (call(x, w, b),)


def _half_pure(m: Any, *arrays: Any) -> Any:
    low = [m.array(a).astype(m.np.bfloat16) for a in arrays]

    def function(*low: Any) -> Any:
        x, w, b = (a.astype(m.np.float32) for a in low)
        away = x - m.np.mean(x, axis=1, keepdims=True)
        y = away / m.np.sqrt(m.np.mean(away * away, axis=1, keepdims=True) + 1e-5) * w + b
        return y.astype(m.np.bfloat16)

    call = m.jit(function)
    return lambda: (call(*low),)


def _bytes(x: Any, mean: Any, scale: Any) -> Any:
    """Floats of bytes, each channel with its mean and scale."""
    return (x / 255 - mean) / scale


ROWS = [
    Row(
        "batch norm in training, with gradient",
        IMAGES,
        _images,
        plain=_batch_norm,
        pure=_batch_norm_pure,
        tolerance=1e-3,
        not_in=NO_MLX,
    ),
    Row(
        "attention by einsum",
        HEADS,
        lambda rng, *size: [normal(rng, *size) for _ in range(3)],
        plain=lambda m, *xs: one(m, lambda *xs: _attention(m.lib, lambda x: m.lib.softmax(x, dim=-1), *xs), *xs),
        pure=lambda m, *xs: one(m, lambda *xs: _attention(m.np, lambda x: m.softmax(x, axis=-1), *xs), *xs),
        tolerance=1e-4,
        not_in=NO_MLX,
    ),
    Row(
        "layer norm in bfloat16",
        ROWS_OF,
        lambda rng, n, k: [normal(rng, n, k), 1 + normal(rng, k), normal(rng, k)],
        plain=_half,
        pure=_half_pure,
        tolerance=2e-2,
        not_in=NO_MLX,
    ),
    Row(
        "bytes of images as normalized floats",
        {"L3": (4, 224), "memory": (32, 224)},
        lambda rng, n, side: [
            rng.integers(0, 256, (n, 3, side, side)).astype("uint8"),
            normal(rng, 3, 1, 1),
            1 + abs(normal(rng, 3, 1, 1)),
        ],
        plain=lambda m, *xs: one(m, lambda x, a, s: _bytes(x.to(m.lib.float32), a, s), *xs),
        pure=lambda m, *xs: one(m, lambda x, a, s: _bytes(x.astype(m.np.float32), a, s), *xs),
        not_in=NO_MLX,
    ),
]
