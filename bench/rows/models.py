"""Training steps of whole models, with Adam, and a language model's inference: PyTorch's layers as they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rows import SETTLED, Arrays, Row, normal
from rows.training import RATE

LAYERS = {"jax": "rows of layers are PyTorch's", "mlx": "rows of layers are PyTorch's"}


def weighted(m: Any, model: Any) -> Any:
    """A model with weights that are the same in every library."""
    rng = np.random.default_rng(1)
    for name, p in model.named_parameters():
        a = normal(rng, *p.shape)
        norm = p.ndim == 1 and name.endswith("weight")
        p.data = m.lib.tensor(1 + 0.1 * a if norm else a / math.prod(p.shape[1:]) ** 0.5 if p.ndim > 1 else 0.1 * a)
    return model


def trained(m: Any, model: Any, loss: Callable[..., Any], *inputs: Any) -> Callable[[], Any]:
    """The training step. Its results behind the loss are of a step without dropout, taken once."""
    loss_of = m.compile(loss)
    model.eval()
    before = loss(*inputs)
    before.backward()
    compared = [before.detach(), *[p.grad for p in model.parameters() if p.grad is not None]]
    model.train()
    optimizer = m.adam([p for p in model.parameters() if p.requires_grad], RATE)
    update = m.compile(optimizer.step)

    def step() -> Any:
        optimizer.zero_grad()
        value = loss_of(*inputs)
        value.backward()
        update()
        return (value, *compared)

    return step


def but_the_first(results: Arrays) -> Arrays:
    """A loss with dropout or noise is another in every library."""
    return results[1:]


def sequences(rng: Any, length: int, batch: int, inputs: int, width: int) -> Arrays:
    return [normal(rng, batch, length, inputs), rng.integers(10, size=batch), np.array(width)]


def recurrent(kind: str, m: Any, x: Any, y: Any, width: Any) -> Any:
    nn = m.lib.nn
    layer, head = getattr(nn, kind)(x.shape[-1], int(width), num_layers=2, batch_first=True), nn.Linear(int(width), 10)
    model = weighted(m, nn.ModuleList([layer, head]))
    return trained(
        m, model, lambda x, y: nn.functional.cross_entropy(head(layer(x)[0][:, -1]), y), m.array(x), m.array(y)
    )


def images(rng: Any, batch: int, side: int) -> Arrays:
    return [normal(rng, batch, 3, side, side), rng.integers(10, size=batch)]


def resnet(m: Any, x: Any, y: Any) -> Any:
    """ResNet-18 as for large images: a 7×7 convolution, pooling, eight blocks of two convolutions."""
    nn = m.lib.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn1, self.bn2, self.relu = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs), nn.ReLU()
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            self.downsample = nn.Identity() if inputs == outputs else nn.Sequential(*projection)

        def forward(self, x: Any) -> Any:
            inner = self.relu(self.bn1(self.conv1(x)))
            return self.relu(self.bn2(self.conv2(inner)) + self.downsample(x))

    stem = [nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    blocks, inputs = [nn.MaxPool2d(3, stride=2, padding=1)], 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    model = weighted(m, nn.Sequential(*stem, *blocks, *end))
    return trained(m, model, lambda x, y: nn.functional.cross_entropy(model(x), y), m.array(x), m.array(y))


def unet(m: Any, x: Any, y: Any, channels: Any) -> Any:
    """A U-Net of three levels, which predicts an image from an image."""
    nn, c = m.lib.nn, int(channels)

    def double(inputs: int, outputs: int) -> Any:
        first = nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU()
        return nn.Sequential(*first, nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU())

    class UNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList([double(3, c), double(c, 2 * c), double(2 * c, 4 * c)])
            self.pool = nn.MaxPool2d(2)
            self.up = nn.ModuleList([nn.ConvTranspose2d(k * c, k * c // 2, 2, stride=2) for k in (4, 2)])
            self.join = nn.ModuleList([double(4 * c, 2 * c), double(2 * c, c)])
            self.last = nn.Conv2d(c, 3, 1)

        def forward(self, x: Any) -> Any:
            high = self.down[0](x)
            middle = self.down[1](self.pool(high))
            x = self.down[2](self.pool(middle))
            for up, join, beside in zip(self.up, self.join, (middle, high), strict=True):
                x = join(m.lib.cat([up(x), beside], dim=1))
            return self.last(x)

    model = weighted(m, UNet())
    return trained(m, model, lambda x, y: nn.functional.mse_loss(model(x), y), m.array(x), m.array(y))


def sentences(rng: Any, batch: int, length: int, width: int) -> Arrays:
    """Vectors, targets, and which of them are padding."""
    sizes = rng.integers(length // 2, length + 1, size=batch)
    return [normal(rng, batch, length, width), normal(rng, batch, length, width), np.arange(length) >= sizes[:, None]]


def encoder(m: Any, x: Any, y: Any, padding: Any) -> Any:
    nn, width = m.lib.nn, x.shape[-1]
    layer = nn.TransformerEncoderLayer(width, width // 32, 4 * width, dropout=0.1, activation="gelu", batch_first=True)
    model = weighted(m, nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    future = m.array(np.triu(np.ones((x.shape[1], x.shape[1]), bool), 1))

    def loss(x: Any, y: Any, padding: Any) -> Any:
        return nn.functional.mse_loss(model(x, mask=future, src_key_padding_mask=padding), y)

    return trained(m, model, loss, m.array(x), m.array(y), m.array(padding))


def autoencoder(m: Any, x: Any, noise: Any) -> Any:
    """A variational autoencoder; the noise is drawn anew in each step that is timed."""
    nn, latent = m.lib.nn, noise.shape[-1]
    encode = nn.Sequential(nn.Linear(x.shape[1], 400), nn.ReLU(), nn.Linear(400, 2 * latent))
    decode = nn.Sequential(nn.Linear(latent, 400), nn.ReLU(), nn.Linear(400, x.shape[1]))
    model = weighted(m, nn.ModuleList([encode, decode]))

    def loss(x: Any, noise: Any) -> Any:
        mean, log_variance = encode(x).chunk(2, dim=1)
        drawn = m.lib.randn_like(noise) if model.training else noise
        read = decode(mean + drawn * (0.5 * log_variance).exp())
        away = nn.functional.binary_cross_entropy_with_logits(read, x, reduction="sum")
        return (away - 0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()) / len(x)

    return trained(m, model, loss, m.array(x), m.array(noise))


def replay(rng: Any, batch: int, width: int) -> Arrays:
    """Transitions: states, actions, rewards, next states, and which are the last."""
    states = normal(rng, batch, 4), rng.integers(2, size=batch), normal(rng, batch), normal(rng, batch, 4)
    return [*states, rng.integers(2, size=batch).astype("float32"), np.array(width)]


def dqn(m: Any, x: Any, a: Any, r: Any, later: Any, last: Any, width: Any) -> Any:
    nn, n = m.lib.nn, int(width)
    net, target = (
        weighted(m, nn.Sequential(nn.Linear(4, n), nn.ReLU(), nn.Linear(n, n), nn.ReLU(), nn.Linear(n, 2)))
        for _ in range(2)
    )

    def loss(x: Any, a: Any, r: Any, later: Any, last: Any) -> Any:
        with m.lib.no_grad():
            best = r + 0.99 * (1 - last) * target(later).amax(1)
        return nn.functional.smooth_l1_loss(net(x).gather(1, a[:, None])[:, 0], best)

    return trained(m, net, loss, *map(m.array, (x, a, r, later, last)))


def tokens(rng: Any, batch: int, length: int) -> Arrays:
    sizes = np.maximum(rng.integers(length // 2, length + 1, size=batch), 1)
    return [rng.integers(30522, size=(batch, length)), (np.arange(length) < sizes[:, None])]


def minilm(m: Any, tokens: Any, mask: Any) -> Any:
    """The architecture of all-MiniLM-L6-v2 with random weights: six layers of BERT, and the mean of their results."""
    nn, functional = m.lib.nn, m.lib.nn.functional

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (nn.Linear(384, 384) for _ in range(4))
            self.norm1, self.norm2 = nn.LayerNorm(384, eps=1e-12), nn.LayerNorm(384, eps=1e-12)
            self.up, self.down = nn.Linear(384, 1536), nn.Linear(1536, 384)

        def forward(self, x: Any, mask: Any) -> Any:
            q, k, v = (f(x).unflatten(-1, (12, 32)).transpose(1, 2) for f in (self.query, self.key, self.value))
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            x = self.norm1(x + self.out(mixed.transpose(1, 2).flatten(2)))
            return self.norm2(x + self.down(functional.gelu(self.up(x))))

    words, places = nn.Embedding(30522, 384), nn.Embedding(512, 384)
    norm, layers = nn.LayerNorm(384, eps=1e-12), nn.ModuleList([Layer() for _ in range(6)])
    weighted(m, nn.ModuleList([words, places, norm, layers])).eval()

    def embed(tokens: Any, mask: Any) -> Any:
        x = norm(words(tokens) + places.weight[: tokens.shape[1]])
        for layer in layers:
            x = layer(x, mask[:, None, None, :])
        kept = mask[:, :, None]
        return functional.normalize((x * kept).sum(1) / kept.sum(1), dim=-1)

    call, tokens, mask = m.compile(embed), m.array(tokens), m.array(mask)

    def step() -> Any:
        with m.lib.no_grad():
            return (call(tokens, mask),)

    return step


def row(name: str, sizes: dict[str, tuple[int, ...]], inputs: Any, plain: Any, **more: Any) -> Row:
    more = {"compared": but_the_first, "tolerance": 3e-4, "warm_up": 1.0, **more}
    return Row(name, sizes, inputs, plain=plain, pure=plain, not_in=LAYERS, **more)


ROWS = [
    row(
        f"{k} training step",
        {"small": (40, 16, 1, 32), "large": (64, 64, 64, 128)},
        sequences,
        partial(recurrent, k),
        warm_up=SETTLED,
    )
    for k in ("LSTM", "GRU")
]
ROWS += [
    row(
        "ResNet-18 step, 64×64",
        {"small": (2, 64), "large": (16, 64)},
        images,
        resnet,
        tolerance=2e-3,
        warm_up=SETTLED,
    ),
    row(
        "U-Net step",
        {"small": (2, 32, 16), "large": (8, 64, 32)},
        lambda rng, n, side, c: [normal(rng, n, 3, side, side), normal(rng, n, 3, side, side), np.array(c)],
        unet,
        tolerance=2e-3,
        warm_up=SETTLED,
    ),
    row(
        "transformer encoder step, mask, dropout",
        {"small": (4, 32, 64), "large": (16, 128, 256)},
        sentences,
        encoder,
        warm_up=SETTLED,
    ),
    row(
        "VAE step",
        {"small": (32, 64, 8), "large": (128, 784, 20)},
        lambda rng, n, k, latent: [rng.random((n, k), dtype="float32"), normal(rng, n, latent)],
        autoencoder,
    ),
    row("DQN step", {"small": (32, 64), "large": (128, 256)}, replay, dqn),
    row(
        "MiniLM inference",
        {"one": (1, 16), "batch": (32, 64)},
        tokens,
        minilm,
        compared=lambda results: results,
        warm_up=SETTLED,
    ),
]
