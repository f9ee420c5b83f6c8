"""Functions of images: pooling, resampling, windows."""

from __future__ import annotations

from typing import Any

from rows import Row, normal
from rows.pointwise import one
from rows.reductions import with_gradient

SIZES = {"one image": (1, 64, 56, 56), "8 images": (8, 64, 56, 56)}
NO_PURE = dict.fromkeys(("jax", "mlx"), "no function of its own")


def rows(name: str, function: Any) -> list[Row]:
    """A function of images, and with its gradient."""

    def step(m: Any, x: Any) -> Any:
        return one(m, lambda x: function(m.lib.nn.functional, x), x)

    def gradient(m: Any, x: Any) -> Any:
        return with_gradient(m, lambda x: (function(m.lib.nn.functional, x) ** 2).mean(), [m.leaf(x)])

    made: dict[str, Any] = {"inputs": lambda rng, *shape: [normal(rng, *shape)], "pure": step, "not_in": NO_PURE}
    return [
        Row(name, SIZES, plain=step, **made),
        Row(f"{name}, with gradient", SIZES, plain=gradient, tolerance=1e-4, **made),
    ]


ROWS = [
    *rows("maxima of 3×3 windows, step 2", lambda f, x: f.max_pool2d(x, 3, 2, 1)),
    *rows("means of 2×2 windows", lambda f, x: f.avg_pool2d(x, 2)),
    *rows("twice the size, nearest", lambda f, x: f.interpolate(x, scale_factor=2, mode="nearest")),
    *rows("twice the size, bilinear", lambda f, x: f.interpolate(x, scale_factor=2, mode="bilinear")),
    *rows("windows of 3×3 as columns", lambda f, x: f.unfold(x, 3, padding=1)),
]
