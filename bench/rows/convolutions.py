"""Convolutions, forward and with the gradients of both operands, in the forms that networks have."""

from __future__ import annotations

from functools import partial
from typing import Any

from rows import Arrays, Row, normal

FORMS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, int]]] = {
    "3×3, 64 to 64 channels": ((64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "1×1, 256 to 64 channels": ((256, 28, 28), (64, 256, 1, 1), {}),
    "5×5, step 2": ((32, 56, 56), (64, 32, 5, 5), {"stride": 2, "padding": 2}),
    "3×3, each channel for itself": ((128, 56, 56), (128, 1, 3, 3), {"padding": 1, "groups": 128}),
    "7×7, step 2, 3 channels": ((3, 112, 112), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    "3×3, 512 channels": ((512, 7, 7), (512, 512, 3, 3), {"padding": 1}),
    "1-d, 9 elements": ((64, 1024), (64, 64, 9), {"padding": 4}),
    "transposed 4×4, step 2": ((64, 28, 28), (64, 32, 4, 4), {"stride": 2, "padding": 1}),
}
"""Shape of one image, of the weights, and the form."""


def inputs(name: str, rng: Any, batch: int) -> Arrays:
    shape, weights, _ = FORMS[name]
    return [normal(rng, batch, *shape), 0.05 * normal(rng, *weights)]


def function_of(name: str) -> str:
    kind = "conv_transpose" if name.startswith("transposed") else "conv"
    return f"{kind}{len(FORMS[name][0]) - 1}d"


def forward(name: str, m: Any, x: Any, w: Any) -> Any:
    function = m.compile(partial(getattr(m.lib.nn.functional, function_of(name)), **FORMS[name][2]))
    x, w = m.array(x), m.array(w)

    def step() -> Any:
        y = function(x, w)
        return (y.flatten()[:1], y)

    return step


def gradient(name: str, m: Any, x: Any, w: Any) -> Any:
    """The gradient by all results alike: what a mean gives."""
    function = m.compile(partial(getattr(m.lib.nn.functional, function_of(name)), **FORMS[name][2]))
    leaves = [m.leaf(x), m.leaf(w)]

    def step() -> Any:
        for leaf in leaves:
            leaf.grad = None
        loss = function(*leaves).square().mean()
        loss.backward()
        return (loss, *[leaf.grad for leaf in leaves])

    return step


def applied(name: str, m: Any, x: Any, w: Any) -> Any:
    form, n = FORMS[name][2], x.ndim - 2
    steps, around = (form.get("stride", 1),) * n, [(form.get("padding", 0),) * 2] * n
    return m.lib.lax.conv_general_dilated(x, w, steps, around, feature_group_count=form.get("groups", 1))


def forward_pure(name: str, m: Any, x: Any, w: Any) -> Any:
    call, x, w = m.jit(partial(applied, name, m)), m.array(x), m.array(w)

    def step() -> Any:
        y = call(x, w)
        return (y.reshape(-1)[:1], y)

    return step


def gradient_pure(name: str, m: Any, x: Any, w: Any) -> Any:
    call = m.jit(m.value_and_grad(lambda x, w: m.np.mean(applied(name, m, x, w) ** 2), argnums=(0, 1)))
    x, w = m.array(x), m.array(w)

    def step() -> Any:
        loss, grads = call(x, w)
        return (loss, *grads)

    return step


def row(name: str, what: str, plain: Any, pure: Any) -> Row:
    missing = {"mlx": "its channels are the last axis"}
    if name.startswith("transposed"):
        missing["jax"] = "its form is another one"
    sizes = {"one image": (1,), "8 images": (8,), "32 images": (32,)}
    made = {"inputs": partial(inputs, name), "plain": partial(plain, name), "pure": partial(pure, name)}
    return Row(f"convolution {name}{what}", sizes, **made, tolerance=2e-4, not_in=missing)  # type: ignore[arg-type]


ROWS = [
    row(name, what, plain, pure)
    for name in FORMS
    for what, plain, pure in (("", forward, forward_pure), (", with gradient", gradient, gradient_pure))
]
