"""Training steps: the seed program, logistic regression, a perceptron with Adam."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from rows import Arrays, Row, caches, normal

RATE = 1e-5
BETAS = (0.9, 0.999)
EPS = 1e-8


def scalar(m: Any, x: Any, y: Any) -> Any:
    """The seed program; a sum where there is more than one element."""
    x, y = m.leaf(x), m.leaf(y)
    product = m.compile((lambda x: x * y) if x.shape[0] == 1 else (lambda x: (x * y).sum()))

    def step() -> Any:
        z = product(x)
        z.backward()
        x.data = x.data - RATE * x.grad
        x.grad.data.zero_()
        return (z, x)

    return step


def scalar_pure(m: Any, x: Any, y: Any) -> Any:
    state, y = [m.array(x)], m.array(y)

    def function(x: Any, y: Any) -> Any:
        z, g = m.value_and_grad(lambda x: m.np.sum(x * y))(x)
        return z, x - RATE * g

    call = m.jit(function, donate=(0,))

    def step() -> Any:
        z, state[0] = call(state[0], y)
        return (z, state[0])

    return step


def regression(m: Any, x: Any, y: Any, w: Any, b: Any) -> Any:
    x, y, w, b = m.array(x), m.array(y), m.leaf(w), m.leaf(b)
    functional = m.lib.nn.functional
    loss_of = m.compile(lambda w, b: functional.binary_cross_entropy_with_logits(x @ w + b, y))

    def step() -> Any:
        loss = loss_of(w, b)
        loss.backward()
        with m.lib.no_grad():
            w.sub_(RATE * w.grad)
            b.sub_(RATE * b.grad)
        w.grad = b.grad = None
        return (loss, w, b)

    return step


def regression_pure(m: Any, x: Any, y: Any, w: Any, b: Any) -> Any:
    x, y, state = m.array(x), m.array(y), [m.array(w), m.array(b)]

    def loss(w: Any, b: Any, x: Any, y: Any) -> Any:
        z = x @ w + b
        return m.np.mean(m.np.logaddexp(z, m.np.zeros_like(z)) - z * y)

    def function(w: Any, b: Any, x: Any, y: Any) -> Any:
        value, (dw, db) = m.value_and_grad(loss, argnums=(0, 1))(w, b, x, y)
        return value, w - RATE * dw, b - RATE * db

    call = m.jit(function, donate=(0, 1))

    def step() -> Any:
        value, *state[:] = call(*state, x, y)
        return (value, *state)

    return step


def layers(rng: Any, batch: int, *widths: int) -> Arrays:
    """A batch, its labels, and weights and biases for each layer."""
    arrays = [normal(rng, batch, widths[0]), rng.integers(0, widths[-1], batch)]
    for n, k in pairwise(widths):
        arrays += [normal(rng, k, n) / n**0.5, normal(rng, k)]
    return arrays


def perceptron(m: Any, x: Any, y: Any, *weights: Any) -> Any:
    nn = m.lib.nn
    shapes = [w.shape for w in weights[::2]]
    parts = [part for k, n in shapes for part in (nn.Linear(n, k), nn.ReLU())][:-1]
    model, x, y = nn.Sequential(*parts), m.array(x), m.array(y)
    for p, a in zip(model.parameters(), weights, strict=True):
        p.data = m.lib.tensor(a)
    optimizer = m.adam(model.parameters(), RATE)
    loss_of = m.compile(lambda x, y: nn.functional.cross_entropy(model(x), y))
    update = m.compile(optimizer.step)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        update()
        return (loss, *model.parameters())

    return step


def adam_pure(m: Any, p: Any, g: Any, mean: Any, square: Any, t: Any) -> Any:
    """Adam's update of one parameter: the new parameter and its two means."""
    mean = BETAS[0] * mean + (1 - BETAS[0]) * g
    square = BETAS[1] * square + (1 - BETAS[1]) * (g * g)
    root = m.np.sqrt(square / (1 - BETAS[1] ** t)) + EPS
    return p - RATE / (1 - BETAS[0] ** t) * mean / root, mean, square


def perceptron_pure(m: Any, x: Any, y: Any, *weights: Any) -> Any:
    x, y, count = m.array(x), m.array(y), len(weights)
    ps = [m.array(a) for a in weights]
    state = [ps, [m.np.zeros_like(p) for p in ps], [m.np.zeros_like(p) for p in ps], m.np.array(0.0)]

    def loss(ps: Any, x: Any, y: Any) -> Any:
        for k in range(0, count, 2):
            x = x @ ps[k].T + ps[k + 1]
            x = m.np.maximum(x, 0.0) if k < count - 2 else x
        return m.np.mean(m.logsumexp(x, axis=1) - m.np.take_along_axis(x, y[:, None], axis=1)[:, 0])

    def function(ps: Any, means: Any, squares: Any, t: Any, x: Any, y: Any) -> Any:
        value, gs = m.value_and_grad(loss)(ps, x, y)
        t = t + 1.0
        new = [adam_pure(m, *each, t) for each in zip(ps, gs, means, squares, strict=True)]
        return value, [n[0] for n in new], [n[1] for n in new], [n[2] for n in new], t

    call = m.jit(function, donate=(0, 1, 2, 3))

    def step() -> Any:
        value, *state[:] = call(*state, x, y)
        return (value, *state[0])

    return step


def descent(m: Any, *arrays: Any) -> Any:
    """Steps of an optimizer of many small parameters; PyTorch's is the fused one."""
    leaves = [m.leaf(a) for a in arrays]
    for x, a in zip(leaves, arrays, strict=True):
        x.grad = m.array(a)
    more = {} if m.name == "tenure" else {"fused": True}
    update = m.compile(m.lib.optim.SGD(leaves, lr=RATE, momentum=0.9, **more).step)

    def step() -> Any:
        update()
        return leaves

    return step


def descent_pure(m: Any, *arrays: Any) -> Any:
    def function(ps: Any, gs: Any, sums: Any) -> Any:
        sums = [0.9 * s + g for s, g in zip(sums, gs, strict=True)]
        return [p - RATE * s for p, s in zip(ps, sums, strict=True)], sums

    gs = [m.array(a) for a in arrays]
    state = [[m.array(a) for a in arrays], [m.np.zeros_like(g) for g in gs]]
    call = m.jit(function, donate=(0, 2))

    def step() -> Any:
        state[:] = call(state[0], gs, state[1])
        return state[0]

    return step


ROWS = [
    Row(
        "SGD step, many parameters",
        {"20 of 64": (20, 64), "100 of 64": (100, 64), "200 of 1024": (200, 1024)},
        lambda rng, count, n: [normal(rng, n) for _ in range(count)],
        plain=descent,
        pure=descent_pure,
    ),
    Row(
        "scalar step (seed program)",
        {"1": (1,), "64": (64,), "4096": (4096,)},
        lambda rng, n: [normal(rng, n), normal(rng, n)],
        plain=scalar,
        pure=scalar_pure,
    ),
    Row(
        "logistic regression step",
        caches((1024, 64), (16384, 64), (262144, 64)),
        lambda rng, n, k: [
            normal(rng, n, k),
            rng.integers(0, 2, n).astype("float32"),
            normal(rng, k),
            normal(rng, 1),
        ],
        plain=regression,
        pure=regression_pure,
    ),
    Row(
        "MLP step with Adam",
        caches((32, 128, 64, 32, 10), (96, 784, 384, 192, 10), (64, 4096, 2048, 1024, 10)),
        layers,
        plain=perceptron,
        pure=perceptron_pure,
        tolerance=1e-4,
    ),
]
