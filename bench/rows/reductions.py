"""Reductions, and what is made of them: softmax, cross-entropy, layer norm."""

from __future__ import annotations

from typing import Any

from rows import Row, caches, normal
from rows.pointwise import one

MATRICES = caches((256, 512), (4096, 512), (32768, 512))
CLASSES = caches((512, 257), (4096, 257), (32768, 512))


def reduction(name: str, axis: int | None, function: str) -> Row:
    """A reduction of a matrix."""

    def torch_like(m: Any, x: Any) -> Any:
        return getattr(x, function)() if axis is None else getattr(x, function)(dim=axis)

    return Row(
        name,
        MATRICES,
        lambda rng, *size: [normal(rng, *size)],
        plain=lambda m, x: one(m, lambda x: torch_like(m, x), x),
        pure=lambda m, x: one(m, lambda x: getattr(m.np, function.removeprefix("a"))(x, axis=axis), x),
        tolerance=1e-4,
    )


def with_gradient(m: Any, function: Any, leaves: list[Any]) -> Any:
    """The step that computes a loss and its gradient by some leaves."""
    call = m.compile(function)

    def step() -> Any:
        for x in leaves:
            x.grad = None
        loss = call(*leaves)
        loss.backward()
        return (loss, *[x.grad for x in leaves])

    return step


def with_gradient_pure(m: Any, function: Any, leaves: list[Any], *data: Any) -> Any:
    """The same by a transform; ``data`` follow the leaves, since XLA would compute with constants beforehand."""
    call = m.jit(m.value_and_grad(function, argnums=tuple(range(len(leaves)))))

    def step() -> Any:
        loss, grads = call(*leaves, *data)
        return (loss, *grads)

    return step


def squares(m: Any, x: Any, y: Any) -> Any:
    """The mean squared difference."""
    return m.np.mean((x - y) * (x - y))


def entropy(m: Any, x: Any, y: Any) -> Any:
    y = m.array(y)
    return with_gradient(m, lambda x: m.lib.nn.functional.cross_entropy(x, y), [m.leaf(x)])


def entropy_pure(m: Any, x: Any, y: Any) -> Any:
    def loss(x: Any, y: Any) -> Any:
        picked = m.np.take_along_axis(x, y[:, None], axis=1)[:, 0]
        return m.np.mean(m.logsumexp(x, axis=1) - picked)

    return with_gradient_pure(m, loss, [m.array(x)], m.array(y))


def normalized(m: Any, x: Any, w: Any, b: Any, g: Any) -> Any:
    g, n = m.array(g), x.shape[1]
    functional = m.lib.nn.functional
    leaves = [m.leaf(a) for a in (x, w, b)]
    return with_gradient(m, lambda x, w, b: functional.mse_loss(functional.layer_norm(x, (n,), w, b), g), leaves)


def normalized_pure(m: Any, x: Any, w: Any, b: Any, g: Any) -> Any:
    def loss(x: Any, w: Any, b: Any, g: Any) -> Any:
        away = x - m.np.mean(x, axis=1, keepdims=True)
        spread = m.np.mean(away * away, axis=1, keepdims=True)
        return squares(m, away / m.np.sqrt(spread + 1e-5) * w + b, g)

    return with_gradient_pure(m, loss, [m.array(a) for a in (x, w, b)], m.array(g))


ROWS = [
    reduction("row sums", 1, "sum"),
    reduction("row maxima", 1, "amax"),
    reduction("column sums", 0, "sum"),
    reduction("full sum", None, "sum"),
    Row(
        "softmax",
        CLASSES,
        lambda rng, *size: [3 * normal(rng, *size)],
        plain=lambda m, x: one(m, lambda x: m.lib.nn.functional.softmax(x, dim=-1), x),
        pure=lambda m, x: one(m, lambda x: m.softmax(x, axis=-1), x),
    ),
    Row(
        "cross-entropy with gradient",
        CLASSES,
        lambda rng, n, classes: [3 * normal(rng, n, classes), rng.integers(0, classes, n)],
        plain=entropy,
        pure=entropy_pure,
    ),
    Row(
        "layer norm with gradient",
        caches((256, 256), (2048, 512), (32768, 512)),
        lambda rng, n, k: [normal(rng, n, k), 1 + normal(rng, k), normal(rng, k), normal(rng, n, k)],
        plain=normalized,
        pure=normalized_pure,
        tolerance=1e-4,
    ),
]
