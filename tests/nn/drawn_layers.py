"""Drawn arguments and inputs for every layer and loss of `torch.nn`: for each name, how a case is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Case = tuple[dict[str, Any], list[Any]]
KINKS = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 20.0])


class Draw:
    """Draws of sizes, choices and elements."""

    def __init__(self, seed: Any) -> None:
        self.rng = np.random.default_rng(seed)
        self.batches = self.one(1, 2, 3, 2, 3, 0)
        self.batched = self.flag(0.75)

    def one(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def flag(self, probability: float = 0.5) -> bool:
        return bool(self.rng.random() < probability)

    def size(self, low: int = 1, high: int = 5) -> int:
        return int(self.rng.integers(low, high + 1))

    def real(self, low: float = 0.05, high: float = 2.0) -> float:
        return float(round(self.rng.uniform(low, high), 3))

    def some(self, **options: Callable[[], Any]) -> dict[str, Any]:
        """A part of the options, each drawn."""
        return {name: draw() for name, draw in options.items() if self.flag()}

    def per_axis(self, n: int, low: int, high: int) -> Any:
        """A number, or one for each of n axes."""
        return self.size(low, high) if self.flag() else tuple(self.size(low, high) for _ in range(n))

    def shape(self, n: int = 3) -> tuple[int, ...]:
        """Any shape, now and then without axes or without elements."""
        return tuple(self.one(1, 2, 3, 4, 5, 5, 0) if self.flag(0.3) else self.size() for _ in range(self.size(0, n)))

    def batch(self, *shape: int) -> tuple[int, ...]:
        """A shape with a batch in front, or none."""
        return (self.batches, *shape) if self.batched else shape

    def floats(self, shape: tuple[int, ...], kinks: float = 0.3) -> Any:
        """Elements, now and then from a few round numbers, where functions have kinks and ties."""
        if self.flag(kinks):
            return np.asarray(self.rng.choice(KINKS, size=shape))
        return np.asarray(self.rng.normal(size=shape) * self.one(1.0, 1.0, 3.0))

    def uniform(self, shape: tuple[int, ...], low: float = 0.05, high: float = 0.95) -> Any:
        return np.asarray(self.rng.uniform(low, high, size=shape))

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Any:
        return np.asarray(self.rng.integers(low, high, size=shape))

    def signs(self, shape: tuple[int, ...]) -> Any:
        return np.asarray(np.where(self.rng.random(shape) < 0.5, -1.0, 1.0))


def pointwise(**options: Callable[[Draw], Any]) -> Callable[[Draw], Case]:
    """A layer of any shape, with options."""

    def case(d: Draw) -> Case:
        given = {name: draw(d) for name, draw in options.items() if d.flag()}
        return given, [d.floats(d.shape())]

    return case


def along(d: Draw) -> Case:
    x = d.floats((d.size(), d.size(), d.size())[: d.size(1, 3)])
    return {"dim": int(d.rng.integers(-x.ndim, x.ndim))}, [x]


def rectifier_leak(d: Draw) -> Case:
    given, inputs = pointwise(inplace=Draw.flag)(d)
    lower = d.real()
    return {**given, "lower": lower, "upper": lower}, inputs


def prelu(d: Draw) -> Case:
    channels = d.size()
    shape = (d.size(), channels, *[d.size() for _ in range(d.size(0, 2))])
    return d.some(num_parameters=lambda: channels, init=d.real), [d.floats(shape)]


def glu(d: Draw) -> Case:
    shape = [2 * d.size(1, 3) for _ in range(d.size(1, 3))]
    return {"dim": int(d.rng.integers(-len(shape), len(shape)))}, [d.floats(tuple(shape))]


def linear(d: Draw) -> Case:
    n = d.one(1, 2, 3, 5, 0)
    return (
        {"in_features": n, "out_features": d.one(1, 2, 4, 0), **d.some(bias=d.flag)},
        [d.floats((*d.shape(2), n))],
    )


def bilinear(d: Draw) -> Case:
    a, b, lead = d.size(), d.size(), d.shape(2)
    return (
        {"in1_features": a, "in2_features": b, "out_features": d.size(), **d.some(bias=d.flag)},
        [d.floats((*lead, a)), d.floats((*lead, b))],
    )


def convolution(n: int, transposed: bool, lazy: bool) -> Callable[[Draw], Case]:
    """Convolutions of n axes."""

    def case(d: Draw) -> Case:
        groups = d.one(1, 1, 2, 3)
        inner, outer = groups * d.size(1, 2), groups * d.size(1, 2)
        kernel = d.per_axis(n, 1, 3)
        given: dict[str, Any] = {"out_channels": outer, "kernel_size": kernel, "groups": groups}
        if not lazy:
            given["in_channels"] = inner
        given |= d.some(stride=lambda: d.per_axis(n, 1, 3), dilation=lambda: d.per_axis(n, 1, 2), bias=d.flag)
        if transposed:
            given |= d.some(padding=lambda: d.per_axis(n, 0, 2))
            most = np.maximum(np.broadcast_to(given.get("stride", 1), n), np.broadcast_to(given.get("dilation", 1), n))
            given |= d.some(output_padding=lambda: tuple(int(d.rng.integers(0, m)) for m in most))
        else:
            given |= d.some(
                padding=lambda: d.one("same", "valid", d.per_axis(n, 0, 2)) if "stride" not in given else 1,
                padding_mode=lambda: d.one("zeros", "reflect", "replicate", "circular"),
            )
        return given, [d.floats(d.batch(inner, *[d.size(4, 7) for _ in range(n)]), 0)]

    return case


def pool(n: int, kind: str) -> Callable[[Draw], Case]:
    """Pooling over n axes."""

    def case(d: Draw) -> Case:
        axes = 0 if kind == "power" and n == 1 else n
        kernel = d.per_axis(axes, 1, 3) if axes else d.size(1, 3)
        given: dict[str, Any] = {"kernel_size": kernel}
        given |= d.some(stride=lambda: d.per_axis(axes, 1, 3) if axes else d.size(1, 3), ceil_mode=d.flag)
        half = np.broadcast_to(kernel, n) // 2
        if kind != "power":
            given |= d.some(padding=lambda: tuple(int(d.rng.integers(0, h + 1)) for h in half))
        if kind == "max":
            given |= d.some(dilation=lambda: d.per_axis(n, 1, 2), return_indices=d.flag)
        elif kind == "average":
            given |= d.some(count_include_pad=d.flag)
            if n > 1:
                given |= d.some(divisor_override=lambda: d.size(1, 7))
        else:
            given["norm_type"] = d.one(1.0, 2.0, 3.0, 2)
        x = d.floats(d.batch(d.size(1, 3), *[d.size(4, 8) for _ in range(n)]))
        return given, [np.abs(x) + 0.1 if kind == "power" else x]

    return case


def adaptive(n: int, indices: bool) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        size = d.size() if d.flag() else tuple(d.one(None, 1, 2, 4) for _ in range(n))
        if n == 1 and isinstance(size, tuple):
            size = (d.size(),)
        given = {"output_size": size} | (d.some(return_indices=d.flag) if indices else {})
        return given, [d.floats(d.batch(d.size(1, 3), *[d.size(2, 7) for _ in range(n)]))]

    return case


def fractional(n: int) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        batch, channels = d.size(1, 3), d.size(1, 3)
        x = d.floats((batch, channels, *[d.size(5, 8) for _ in range(n)]))
        given: dict[str, Any] = {
            "kernel_size": d.per_axis(n, 1, 2),
            "_random_samples": d.rng.random((batch, channels, n)),
        }
        given |= d.one(
            {"output_size": d.per_axis(n, 2, 3)}, {"output_ratio": tuple(d.real(0.4, 0.7) for _ in range(n))}
        )
        return given | d.some(return_indices=d.flag), [x]

    return case


def unpool(n: int) -> Callable[[Draw], Case]:
    """Windows that do not overlap, each with a place drawn in it."""

    def case(d: Draw) -> Case:
        kernel, counts = d.size(1, 3), [d.size(1, 3) for _ in range(n)]
        whole = [kernel * c for c in counts]
        lead = d.batch(d.size(1, 3))
        places = np.zeros((*lead, *counts), np.int64)
        for axis in range(n):
            step = np.arange(counts[axis]).reshape(-1, *[1] * (n - 1 - axis)) * kernel
            places = places * whole[axis] + step + d.integers(0, kernel, (*lead, *counts))
        return {"kernel_size": kernel} | d.some(stride=lambda: kernel), [d.floats((*lead, *counts)), places]

    return case


def padding(n: int, kind: str) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        pads = d.size(0, 2) if d.flag() else tuple(d.size(-1, 2) for _ in range(2 * n))
        given: dict[str, Any] = {"padding": pads}
        if kind == "constant":
            given["value"] = d.real(-2, 2)
        return given, [d.floats(d.batch(d.size(1, 3), *[d.size(3, 5) for _ in range(n)]))]

    return case


def batch_norm(n: int, lazy: bool = False, instance: bool = False) -> Callable[[Draw], Case]:
    """A lazy layer has something to size, and a batch: PyTorch's takes the second axis, whatever it is."""

    def case(d: Draw) -> Case:
        channels, momenta = d.size(), (0.1, 0.3, 0.7) if instance else (0.1, 0.3, 0.0, 1.0, None)
        given: dict[str, Any] = {} if lazy else {"num_features": channels}
        given |= d.some(eps=lambda: d.real(1e-3, 0.1), momentum=lambda: d.one(*momenta), affine=d.flag)
        given |= d.some(track_running_stats=lambda: lazy or d.flag())
        given |= {"affine": True} if lazy and instance else {}
        spread = [] if n == 1 and not instance and d.flag(0.4) else [d.size(2, 4) for _ in range(n)]
        least = 2 if not instance and not spread else 1
        lead = d.batch(channels) if instance and not lazy else (max(d.batches, least), channels)
        return given, [d.floats((*lead, *spread), 0)]

    return case


def layer_norm(d: Draw) -> Case:
    shape = tuple(d.size() for _ in range(d.size(1, 2)))
    given: dict[str, Any] = {"normalized_shape": d.one(shape, list(shape)) if len(shape) > 1 or d.flag() else shape[0]}
    return given | d.some(eps=lambda: d.real(1e-4, 0.1), elementwise_affine=d.flag, bias=d.flag), [
        d.floats((*d.shape(2), *shape), 0)
    ]


def rms_norm(d: Draw) -> Case:
    given, inputs = layer_norm(d)
    given.pop("bias", None)
    return given, inputs


def group_norm(d: Draw) -> Case:
    groups = d.size(1, 3)
    channels = groups * d.size(1, 3)
    given = {"num_groups": groups, "num_channels": channels}
    given |= d.some(eps=lambda: d.real(1e-3, 0.1), affine=d.flag)
    return given, [d.floats((d.batches, channels, *[d.size(2, 4) for _ in range(d.size(0, 2))]), 0)]


def response(d: Draw) -> Case:
    given = {"size": d.size()} | d.some(alpha=d.real, beta=d.real, k=d.real)
    return given, [d.floats((d.size(1, 3), d.size(), *[d.size(2, 4) for _ in range(d.size(1, 2))]))]


def cross_map(d: Draw) -> Case:
    given = {"size": d.size()} | d.some(alpha=d.real, beta=d.real, k=d.real)
    return given, [d.floats((d.size(1, 3), d.size(), d.size(), d.size()))]


def recurrent(kind: str) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        n, hidden = d.size(1, 4), d.size(2, 4)
        given: dict[str, Any] = {"input_size": n, "hidden_size": hidden}
        given |= d.some(num_layers=lambda: d.size(1, 3), bias=d.flag, batch_first=d.flag, bidirectional=d.flag)
        if kind == "LSTM":
            given |= d.some(proj_size=lambda: d.size(1, hidden - 1))
        if kind == "RNN":
            given |= d.some(nonlinearity=lambda: d.one("tanh", "relu"))
        steps, batch = d.size(1, 4), max(d.batches, 1)
        first = given.get("batch_first", False)
        x = d.floats(((batch, steps, n) if first else (steps, batch, n)) if d.batched else (steps, n), 0)
        inputs: list[Any] = [x]
        if d.flag():
            rows = given.get("num_layers", 1) * (1 + given.get("bidirectional", False))
            shapes = [(rows, *([batch] if d.batched else []), given.get("proj_size", hidden))]
            if kind == "LSTM":
                shapes.append((*shapes[0][:-1], hidden))
            state = [d.floats(s, 0) for s in shapes]
            inputs.append(tuple(state) if kind == "LSTM" else state[0])
        return given, inputs

    return case


def cell(kind: str) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        n, hidden = d.size(1, 4), d.size(1, 4)
        given: dict[str, Any] = {"input_size": n, "hidden_size": hidden} | d.some(bias=d.flag)
        if kind == "RNNCell":
            given |= d.some(nonlinearity=lambda: d.one("tanh", "relu"))
        inputs: list[Any] = [d.floats(d.batch(n), 0)]
        if d.flag():
            state = [d.floats(d.batch(hidden), 0) for _ in range(2)]
            inputs.append(tuple(state) if kind == "LSTMCell" else state[0])
        return given, inputs

    return case


def embedding(d: Draw) -> Case:
    rows = d.size(2, 6)
    given: dict[str, Any] = {"num_embeddings": rows, "embedding_dim": d.size()}
    given |= d.some(padding_idx=lambda: int(d.rng.integers(-rows, rows)), scale_grad_by_freq=d.flag)
    if d.flag(0.3):
        given |= {"max_norm": d.real()} | d.some(norm_type=lambda: d.one(1.0, 2.0, 3.0))
    return given, [d.integers(0, rows, d.shape(2))]


def bag(d: Draw) -> Case:
    """Without `scale_grad_by_freq`, for which PyTorch counts other rows than those that it scales."""
    rows = d.size(2, 6)
    given: dict[str, Any] = {"num_embeddings": rows, "embedding_dim": d.size()}
    given |= d.some(padding_idx=lambda: int(d.rng.integers(-rows, rows)), mode=lambda: d.one("sum", "mean", "max"))
    if d.flag(0.2):
        given |= {"max_norm": d.real()} | d.some(norm_type=lambda: d.one(1.0, 2.0))
    flat = d.flag()
    indices = d.integers(0, rows, (d.size(1, 6),) if flat else (d.size(1, 3), d.size(1, 4)))
    inputs: list[Any] = [indices, None]
    if flat:
        given |= d.some(include_last_offset=d.flag)
        offsets = np.sort(d.integers(0, len(indices) + 1, (d.size(1, 3),)))
        offsets[0] = 0
        if given.get("include_last_offset"):
            offsets = np.append(offsets, len(indices))
        inputs[1] = offsets
    if given.get("mode") == "sum" and d.flag():
        inputs.append(d.floats(indices.shape, 0))
    return given, inputs


def attention(d: Draw) -> Case:
    heads = d.size(1, 3)
    width = heads * d.size(1, 3)
    given: dict[str, Any] = {"embed_dim": width, "num_heads": heads}
    given |= d.some(bias=d.flag, add_bias_kv=d.flag, add_zero_attn=d.flag, batch_first=d.flag)
    keys, values = width, width
    if d.flag(0.3):
        keys, values = given["kdim"], given["vdim"] = d.size(), d.size()
    batch, targets, sources = max(d.batches, 1), d.size(1, 4), d.size(1, 4)
    first = given.get("batch_first", False)

    def tokens(n: int, features: int) -> Any:
        shape = ((batch, n) if first else (n, batch)) if d.batched else (n,)
        return d.floats((*shape, features), 0)

    call: dict[str, Any] = d.some(need_weights=d.flag, average_attn_weights=d.flag)
    kind = d.one("none", "bool", "float", "heads")
    if kind == "bool":
        mask = d.rng.random((targets, sources)) < 0.4
        mask[:, 0] = False
        call["attn_mask"] = mask
    elif kind != "none":
        lead = (batch * heads,) if kind == "heads" and d.batched else ((heads,) if kind == "heads" else ())
        call["attn_mask"] = Constant(d.floats((*lead, targets, sources), 0))
    if d.flag(0.4):
        padded = d.rng.random((batch, sources) if d.batched else (sources,)) < 0.4
        padded[..., 0] = False
        call["key_padding_mask"] = padded if kind in {"none", "bool"} else Constant(np.where(padded, -4.0, 0.0))
    return given, [tokens(targets, width), tokens(sources, keys), tokens(sources, values), call]


class Constant:
    """Floats that are no leaf."""

    def __init__(self, array: Any) -> None:
        self.array = array


def transformer_options(d: Draw) -> dict[str, Any]:
    heads = d.size(1, 2)
    given: dict[str, Any] = {
        "d_model": heads * 2 * d.size(1, 2),
        "nhead": heads,
        "dim_feedforward": d.size(2, 5),
        "dropout": 0.0,
    }
    return given | d.some(activation=lambda: d.one("relu", "gelu"), batch_first=d.flag, norm_first=d.flag, bias=d.flag,
                          layer_norm_eps=lambda: d.real(1e-3, 0.1))  # fmt: skip


def sequence(d: Draw, given: dict[str, Any], batch: int, steps: int) -> Any:
    shape = ((batch, steps) if given.get("batch_first") else (steps, batch)) if d.batched else (steps,)
    return d.floats((*shape, given["d_model"]), 0)


def padded(d: Draw, batch: int, steps: int) -> Any:
    mask = d.rng.random((batch, steps) if d.batched else (steps,)) < 0.4
    mask[..., 0] = False
    return mask


def encoder_layer(d: Draw) -> Case:
    given, batch, steps = transformer_options(d), d.size(1, 3), d.size(1, 4)
    call: dict[str, Any] = {}
    if d.flag():
        call["src_mask"] = np.triu(np.ones((steps, steps), bool), 1)
        if d.flag():
            call["is_causal"] = True
    if d.flag():
        call["src_key_padding_mask"] = padded(d, batch, steps)
    return given, [sequence(d, given, batch, steps), call]


def decoder_layer(d: Draw) -> Case:
    given, batch, steps, sources = transformer_options(d), d.size(1, 3), d.size(1, 4), d.size(1, 4)
    call: dict[str, Any] = {}
    if d.flag():
        call["tgt_mask"] = np.triu(np.ones((steps, steps), bool), 1)
        if d.flag():
            call["tgt_is_causal"] = True
    if d.flag():
        call["memory_mask"] = padded(d, steps, sources) if d.batched else np.zeros((steps, sources), bool)
    if d.flag():
        call["tgt_key_padding_mask"] = padded(d, batch, steps)
    if d.flag():
        call["memory_key_padding_mask"] = padded(d, batch, sources)
    return given, [sequence(d, given, batch, steps), sequence(d, given, batch, sources), call]


def transformer(d: Draw) -> Case:
    given, batch, steps, sources = transformer_options(d), d.size(1, 3), d.size(1, 4), d.size(1, 4)
    given |= {"num_encoder_layers": d.size(1, 2), "num_decoder_layers": d.size(1, 2)}
    call: dict[str, Any] = {}
    if d.flag():
        call["tgt_mask"] = np.triu(np.ones((steps, steps), bool), 1)
    if d.flag():
        call["src_key_padding_mask"] = padded(d, batch, sources)
    if d.flag():
        call["memory_key_padding_mask"] = padded(d, batch, sources)
    return given, [sequence(d, given, batch, sources), sequence(d, given, batch, steps), call]


def upsample(d: Draw) -> Case:
    n = d.size(1, 3)
    mode = d.one("nearest", "nearest-exact", {1: "linear", 2: d.one("bilinear", "bicubic"), 3: "trilinear"}[n])
    given: dict[str, Any] = {"mode": mode}
    given |= d.one(
        {"size": d.per_axis(n, 1, 7)},
        {"scale_factor": d.one(2, 0.5, 1.7, tuple(d.real(0.5, 2.5) for _ in range(n)))},
    )
    if mode not in {"nearest", "nearest-exact"}:
        given |= d.some(align_corners=d.flag)
    if "scale_factor" in given:
        given |= d.some(recompute_scale_factor=d.flag)
    return given, [d.floats((max(d.batches, 1), d.size(1, 3), *[d.size(2, 5) for _ in range(n)]), 0)]


def upsampling(d: Draw) -> Case:
    given = d.one({"size": d.per_axis(2, 1, 6)}, {"scale_factor": d.one(2, 1.5, (2.0, 1.0))})
    return given, [d.floats((d.size(1, 2), d.size(1, 2), d.size(2, 4), d.size(2, 4)), 0)]


def folded(d: Draw, unfold: bool) -> Case:
    kernel = tuple(d.size(1, 2) for _ in range(2))
    given: dict[str, Any] = {"kernel_size": kernel}
    given |= d.some(
        stride=lambda: d.per_axis(2, 1, 2), dilation=lambda: d.per_axis(2, 1, 2), padding=lambda: d.per_axis(2, 0, 1)
    )
    size = (d.size(3, 6), d.size(3, 6))
    if unfold:
        return given, [d.floats(d.batch(d.size(1, 3), *size), 0)]
    stride, dilation, pad = (
        np.broadcast_to(given.get(k, v), 2) for k, v in (("stride", 1), ("dilation", 1), ("padding", 0))
    )
    blocks = int(
        np.prod(
            [
                (s + 2 * p - e * (k - 1) - 1) // t + 1
                for s, p, e, k, t in zip(size, pad, dilation, kernel, stride, strict=True)
            ]
        )
    )
    return {"output_size": size, **given}, [d.floats(d.batch(d.size(1, 3) * kernel[0] * kernel[1], blocks), 0)]


def shuffle(d: Draw) -> Case:
    r = d.size(1, 3)
    return {"upscale_factor": r}, [d.floats((*d.shape(2), d.size(1, 2) * r * r, d.size(1, 3), d.size(1, 3)))]


def unshuffle(d: Draw) -> Case:
    r = d.size(1, 3)
    return {"downscale_factor": r}, [d.floats((*d.shape(2), d.size(1, 2), d.size(1, 3) * r, d.size(1, 3) * r))]


def channels(d: Draw) -> Case:
    g = d.size(1, 3)
    return {"groups": g}, [d.floats((d.size(1, 2), g * d.size(1, 3), *[d.size(1, 3) for _ in range(d.size(1, 2))]))]


def flatten(d: Draw) -> Case:
    x = d.floats(tuple(d.size(1, 3) for _ in range(d.size(2, 4))))
    start = int(d.rng.integers(0, x.ndim))
    end = int(d.rng.integers(start, x.ndim))
    return d.some(start_dim=lambda: start, end_dim=lambda: d.one(end, end - x.ndim)), [x]


def unflatten(d: Draw) -> Case:
    parts = [d.size(1, 3) for _ in range(2)]
    shape = [d.size(1, 3), int(np.prod(parts)), d.size(1, 3)]
    return {"dim": d.one(1, -2), "unflattened_size": d.one(tuple(parts), (-1, parts[1]))}, [d.floats(tuple(shape))]


def dropped(d: Draw) -> Case:
    given = {"p": d.one(0.0, 1.0, 0.0)} | d.some(inplace=d.flag)
    return given, [d.floats((d.size(), d.size(), *[d.size() for _ in range(d.size(1, 3))]))]


def reduced(d: Draw) -> dict[str, Any]:
    return d.some(reduction=lambda: d.one("mean", "sum", "none"))


def compared(
    target: str = "floats", source: str = "floats", **options: Callable[[Draw], Any]
) -> Callable[[Draw], Case]:
    """A loss of two tensors of one shape."""

    def case(d: Draw) -> Case:
        shape = d.shape()
        given = {name: draw(d) for name, draw in options.items() if d.flag()}
        x = {"floats": d.floats, "unit": d.uniform}[source](shape)
        y = {
            "floats": d.floats,
            "unit": lambda s: d.one(d.uniform(s), d.integers(0, 2, s).astype(float)),
            "signs": lambda s: Constant(d.signs(s)),
            "counts": lambda s: d.integers(0, 5, s).astype(float),
        }[target](shape)
        return given | reduced(d), [x, y]

    return case


def divergence(d: Draw) -> Case:
    shape, logs = (d.size(), *d.shape(2)), d.flag()
    x, y = np.log(d.uniform(shape)), d.uniform(shape)
    if d.flag(0.3) and not logs:
        y = y * (y > 0.4)
    given = {"log_target": logs} if logs else d.some(log_target=lambda: False)
    return given | d.some(reduction=lambda: d.one("mean", "sum", "none", "batchmean")), [x, np.log(y) if logs else y]


def binary_logits(d: Draw) -> Case:
    shape = (d.size(), d.size())
    given = d.some(weight=lambda: d.uniform(d.one(shape, shape[1:])), pos_weight=lambda: d.uniform(shape[1:]) * 3)
    return given | reduced(d), [d.floats(shape), d.one(d.uniform(shape), d.integers(0, 2, shape).astype(float))]


def binary(d: Draw) -> Case:
    """A target is a leaf unless an input is 0 or 1, where its gradient is infinite in PyTorch, and 100 here."""
    shape = (d.size(), d.size())
    y = d.one(d.uniform(shape), d.integers(0, 2, shape).astype(float))
    given = d.some(weight=lambda: d.uniform(d.one(shape, shape[1:]))) | reduced(d)
    if d.flag(0.3):
        return given, [np.asarray(d.rng.choice([0.0, 1.0, 0.5], shape)), Constant(y)]
    return given, [d.uniform(shape), y]


def labelled(d: Draw, soft: bool) -> Case:
    classes = d.size(2, 5)
    spread = tuple(d.size(1, 3) for _ in range(d.size(0, 2))) if d.batched else ()
    lead = (d.size(1, 4),) if d.batched else ()
    x = d.floats((*lead, classes, *spread), 0.1)
    given = d.some(weight=lambda: d.uniform((classes,), 0.2, 2.0)) | reduced(d)
    if soft:
        given |= d.some(label_smoothing=lambda: d.real(0.0, 0.9))
        if d.flag(0.3):
            y = d.uniform(x.shape)
            return given, [x, y / y.sum(axis=len(lead), keepdims=True)]
    given |= d.some(ignore_index=lambda: d.one(-100, 0, 1, -1))
    y = d.integers(0, classes, (*lead, *spread))
    if d.flag(0.3) and y.size:
        y.flat[0] = given.get("ignore_index", -100)
    return given, [x if soft else x - np.log(np.exp(x).sum(len(lead), keepdims=True)), y]


def alignment(d: Draw) -> Case:
    steps, batch, classes = d.size(4, 9), d.size(1, 3), d.size(2, 4)
    blank = int(d.rng.integers(0, classes))
    x = d.floats((steps, batch, classes) if d.batched else (steps, classes), 0)
    others = [c for c in range(classes) if c != blank]
    lengths = d.integers(0, 4, (batch,) if d.batched else ())
    steps_of = d.integers(3, steps + 1, (batch,) if d.batched else ())
    y = d.rng.choice(others, size=(batch, 4) if d.batched and d.flag() else int(lengths.sum()))
    if not d.batched:
        lengths, steps_of = np.array(lengths), np.array(steps_of)
    given = {"blank": blank} | d.some(zero_infinity=d.flag) | reduced(d)
    return given, [x, y.astype(np.int64), steps_of, lengths]


def margin_rows(d: Draw) -> Case:
    classes, batched = d.size(2, 5), d.batched
    lead = (d.size(1, 4),) if batched else ()
    given = d.some(p=lambda: d.one(1, 2), margin=d.real, weight=lambda: d.uniform((classes,))) | reduced(d)
    return given, [d.floats((*lead, classes)), d.integers(0, classes, lead)]


def label_rows(d: Draw) -> Case:
    classes = d.size(2, 5)
    lead = (d.size(1, 4),) if d.batched else ()
    y = np.full((*lead, classes), -1)
    for row in y.reshape(-1, classes):
        count = d.size(0, classes)
        row[:count] = d.rng.permutation(classes)[:count]
    return reduced(d), [d.floats((*lead, classes)), y]


def soft_labels(d: Draw) -> Case:
    classes = d.size(2, 5)
    shape = (d.size(1, 4), classes) if d.batched else (classes,)
    return d.some(weight=lambda: d.uniform((classes,))) | reduced(d), [
        d.floats(shape), Constant(d.integers(0, 2, shape).astype(float))
    ]  # fmt: skip


def cosine_pairs(d: Draw) -> Case:
    lead = (d.size(1, 4),) if d.batched else ()
    shape = (*lead, d.size())
    y = d.signs(lead)
    return d.some(margin=lambda: d.real(-0.5, 0.5)) | reduced(d), [d.floats(shape), d.floats(shape), Constant(y)]


def ranked(d: Draw) -> Case:
    shape = d.shape()
    return d.some(margin=d.real) | reduced(d), [d.floats(shape), d.floats(shape), Constant(d.signs(shape))]


def triplets(d: Draw) -> Case:
    shape = (d.size(1, 4), d.size()) if d.batched else (d.size(),)
    given = d.some(margin=d.real, p=lambda: d.one(1, 2, 3.0), eps=lambda: d.real(1e-4, 0.1), swap=d.flag)
    return given | reduced(d), [d.floats(shape, 0) for _ in range(3)]


def measured_triplets(d: Draw) -> Case:
    shape = (d.size(1, 4), d.size())
    return d.some(margin=d.real, swap=d.flag) | reduced(d), [d.floats(shape, 0) for _ in range(3)]


def gaussian(d: Draw) -> Case:
    shape = (d.size(1, 4), d.size())
    variance = d.one(shape, shape[:1], (*shape[:1], 1))
    return d.some(full=d.flag, eps=lambda: d.real(1e-4, 0.5)) | reduced(d), [
        d.floats(shape), d.floats(shape), d.uniform(variance)
    ]  # fmt: skip


def poisson(d: Draw) -> Case:
    shape, logs = d.shape(), d.flag(0.7)
    x = d.floats(shape) if logs else d.uniform(shape)
    given = d.some(full=d.flag, eps=lambda: d.real(1e-4, 0.5)) | reduced(d)
    counts = d.integers(0, 5, shape).astype(float)
    return given | {"log_input": logs}, [x, Constant(counts) if given.get("full") else counts]


def similarity(d: Draw) -> Case:
    shape = tuple(d.size() for _ in range(d.size(1, 3)))
    return {"dim": int(d.rng.integers(-len(shape), len(shape))), **d.some(eps=lambda: d.real(1e-4, 0.5))}, [
        d.floats(shape), d.floats(shape)
    ]  # fmt: skip


def distance(d: Draw) -> Case:
    shape = (*d.shape(2), d.size())
    return d.some(p=lambda: d.one(1.0, 2.0, 3.0, float("inf"), 0.5), eps=lambda: d.real(1e-4, 0.1), keepdim=d.flag), [
        d.floats(shape), d.floats(shape)
    ]  # fmt: skip


def adaptive_softmax(d: Draw) -> Case:
    n, classes = d.size(2, 6), d.size(5, 9)
    cutoffs = sorted({d.size(1, classes - 1) for _ in range(d.size(1, 3))})
    given = {"in_features": n, "n_classes": classes, "cutoffs": cutoffs} | d.some(
        div_value=lambda: d.one(1.0, 2.0, 1.5), head_bias=d.flag
    )
    lead = (d.size(1, 4),) if d.batched else ()
    return given, [d.floats((*lead, n), 0), d.integers(0, classes, lead)]


def linear_loss(d: Draw) -> Case:
    n, classes = d.size(1, 4), d.size(2, 5)
    given: dict[str, Any] = {"in_features": n, "num_classes": classes}
    given |= d.some(bias=d.flag, ignore_index=lambda: d.one(-100, 0), label_smoothing=lambda: d.real(0, 0.9))
    lead = (d.size(1, 4),)
    return given | reduced(d), [d.floats((*lead, n), 0), d.integers(0, classes, lead)]


def instance_norm(n: int, lazy: bool = False) -> Callable[[Draw], Case]:
    return batch_norm(n, lazy, instance=True)


INPLACE = {"inplace": Draw.flag}
TABLE: dict[str, Callable[[Draw], Case]] = {
    "ReLU": pointwise(**INPLACE),
    "ReLU6": pointwise(**INPLACE),
    "SELU": pointwise(**INPLACE),
    "SiLU": pointwise(**INPLACE),
    "Mish": pointwise(**INPLACE),
    "Hardswish": pointwise(**INPLACE),
    "Hardsigmoid": pointwise(**INPLACE),
    "CELU": pointwise(alpha=Draw.real, **INPLACE),
    "ELU": pointwise(alpha=Draw.real, **INPLACE),
    "LeakyReLU": pointwise(negative_slope=Draw.real, **INPLACE),
    "Hardtanh": pointwise(min_val=lambda d: d.one(-1, -0.5, -3.0), max_val=lambda d: d.one(1.0, 0.5, 3), **INPLACE),
    "Threshold": lambda d: (
        {"threshold": d.one(0.5, -1.0, 0), "value": d.real()} | d.some(inplace=d.flag),
        [d.floats(d.shape())],
    ),
    "Softplus": pointwise(beta=lambda d: d.one(1, 0.5, 2.0), threshold=lambda d: d.one(20, 1.0, 3)),
    "GELU": pointwise(approximate=lambda d: d.one("none", "tanh")),
    "Hardshrink": pointwise(lambd=lambda d: d.one(0.5, 1.0, 0.3)),
    "Softshrink": pointwise(lambd=lambda d: d.one(0.5, 1.0, 0.3)),
    **{name: pointwise() for name in ("Sigmoid", "Tanh", "Softsign", "Tanhshrink", "LogSigmoid", "Identity")},
    "RReLU": rectifier_leak,
    "PReLU": prelu,
    "GLU": glu,
    **dict.fromkeys(("Softmax", "LogSoftmax", "Softmin"), along),
    "Softmax2d": lambda d: ({}, [d.floats(d.batch(d.size(), d.size(), d.size()))]),
    "Linear": linear,
    "LazyLinear": lambda d: ({"out_features": d.size()} | d.some(bias=d.flag), [d.floats((*d.shape(2), d.size()))]),
    "Bilinear": bilinear,
    **{
        f"{lazy}Conv{t}{n}d": convolution(n, bool(t), bool(lazy))
        for n in (1, 2, 3)
        for t in ("", "Transpose")
        for lazy in ("", "Lazy")
    },
    **{
        f"{name}Pool{n}d": pool(n, kind)
        for n in (1, 2, 3)
        for name, kind in (("Max", "max"), ("Avg", "average"), ("LP", "power"))
    },
    **{f"Adaptive{name}Pool{n}d": adaptive(n, name == "Max") for n in (1, 2, 3) for name in ("Max", "Avg")},
    **{f"FractionalMaxPool{n}d": fractional(n) for n in (2, 3)},
    **{f"MaxUnpool{n}d": unpool(n) for n in (1, 2, 3)},
    **{
        f"{name}Pad{n}d": padding(n, name.lower())
        for n in (1, 2, 3)
        for name in ("Zero", "Constant", "Reflection", "Replication", "Circular")
    },
    **{f"{lazy}BatchNorm{n}d": batch_norm(n, bool(lazy)) for n in (1, 2, 3) for lazy in ("", "Lazy")},
    **{f"{lazy}InstanceNorm{n}d": instance_norm(n, bool(lazy)) for n in (1, 2, 3) for lazy in ("", "Lazy")},
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
    "GroupNorm": group_norm,
    "LocalResponseNorm": response,
    "CrossMapLRN2d": cross_map,
    **{name: recurrent(name) for name in ("RNN", "LSTM", "GRU")},
    **{name: cell(name) for name in ("RNNCell", "LSTMCell", "GRUCell")},
    "Embedding": embedding,
    "EmbeddingBag": bag,
    "MultiheadAttention": attention,
    "TransformerEncoderLayer": encoder_layer,
    "TransformerDecoderLayer": decoder_layer,
    "Transformer": transformer,
    "Upsample": upsample,
    "UpsamplingNearest2d": upsampling,
    "UpsamplingBilinear2d": upsampling,
    "Fold": lambda d: folded(d, False),
    "Unfold": lambda d: folded(d, True),
    "PixelShuffle": shuffle,
    "PixelUnshuffle": unshuffle,
    "ChannelShuffle": channels,
    "Flatten": flatten,
    "Unflatten": unflatten,
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), dropped),
    "L1Loss": compared(),
    "MSELoss": compared(),
    "SmoothL1Loss": compared(beta=lambda d: d.one(0.0, 0.5, 1.0)),
    "HuberLoss": compared(delta=Draw.real),
    "SoftMarginLoss": compared("signs"),
    "HingeEmbeddingLoss": compared("signs", margin=Draw.real),
    "BCELoss": binary,
    "BCEWithLogitsLoss": binary_logits,
    "KLDivLoss": divergence,
    "CrossEntropyLoss": lambda d: labelled(d, True),
    "NLLLoss": lambda d: labelled(d, False),
    "CTCLoss": alignment,
    "PoissonNLLLoss": poisson,
    "GaussianNLLLoss": gaussian,
    "MultiMarginLoss": margin_rows,
    "MultiLabelMarginLoss": label_rows,
    "MultiLabelSoftMarginLoss": soft_labels,
    "CosineEmbeddingLoss": cosine_pairs,
    "MarginRankingLoss": ranked,
    "TripletMarginLoss": triplets,
    "TripletMarginWithDistanceLoss": measured_triplets,
    "CosineSimilarity": similarity,
    "PairwiseDistance": distance,
    "AdaptiveLogSoftmaxWithLoss": adaptive_softmax,
    "LinearCrossEntropyLoss": linear_loss,
}
