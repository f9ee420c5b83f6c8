"""Attention of several heads, with the projections around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.errors import DTypeError, ShapeError
from tenure.nn.functional.activation import softmax
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.layer import dropout, linear, shares
from tenure.values.operations.arithmetic import where
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat
from tenure.values.trace.given import flag, int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Projections(NamedTuple):
    """Weights of a layer of attention: weight and bias of query, key and value, and of the output; a key and a value
    to append, or None."""

    inner: list[tuple[Any, Any]]
    out: tuple[Any, Any]
    more: Sequence[Any]
    heads: int


class Masks(NamedTuple):
    """Masks of keys (N, S) and of pairs (L, S) or (N · heads, L, S), or None; True takes no part, floats are added."""

    padding: Any
    pairs: Any


@named_by_caller
def multi_head_attention_forward(
    query: ArrayLike, key: ArrayLike, value: ArrayLike, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: ArrayLike | None, in_proj_bias: ArrayLike | None, bias_k: ArrayLike | None,
    bias_v: ArrayLike | None, add_zero_attn: bool, dropout_p: float, out_proj_weight: ArrayLike,
    out_proj_bias: ArrayLike | None, training: bool = True, key_padding_mask: ArrayLike | None = None,
    need_weights: bool = True, attn_mask: ArrayLike | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: ArrayLike | None = None, k_proj_weight: ArrayLike | None = None,
    v_proj_weight: ArrayLike | None = None, static_k: ArrayLike | None = None, static_v: ArrayLike | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention of ``num_heads`` parts of the features, with the projections of ``nn.MultiheadAttention``.

    Shapes: query (L, N, E), key (S, N, K) and value (S, N, V), or all without N; the output has the shape of the query,
    the weights (N, L, S) or, not averaged, (N, heads, L, S); None without ``need_weights``. ``in_proj_weight`` is
    (3 · E, E); with ``use_separate_proj_weight`` there are three weights in its place. ``static_k`` and ``static_v``
    (N · heads, S, E / heads) are taken as the projected key and value. Masks as in ``nn.MultiheadAttention``.
    ShapeError (TN802) where the shapes do not fit. Source: Vaswani et al., NeurIPS 2017.

    >>> x, eye = tn.ones(5, 2, 4), tn.eye(4)
    >>> out, weights = F.multi_head_attention_forward(
    ...     x, x, x, 4, 2, tn.cat([eye, eye, eye]), None, None, None, False, 0.0, eye, None
    ... )
    >>> out.shape, weights.shape
    ((5, 2, 4), (2, 5, 5))
    """
    q, k, v = value_of(query), value_of(key), value_of(value)
    out_weight, *rest = (
        None if x is None else value_of(x) for x in (out_proj_weight, in_proj_bias, out_proj_bias, bias_k, bias_v)
    )
    if q.shape[-1:] != (int_of(embed_dim_to_check, "attention: embed_dim_to_check"),):
        raise ShapeError(f"attention: query has shape {list(q.shape)}, and embed_dim_to_check is {embed_dim_to_check}")
    separate = flag("attention: use_separate_proj_weight", use_separate_proj_weight)
    whole, *parts = (
        None if w is None else value_of(w) for w in (in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight)
    )
    given: Any = tuple(parts) if separate else whole
    in_bias, out_bias, *more = rest
    p = Projections(projected(given, in_bias, q.shape[-1]), (out_weight, out_bias), more, num_heads)
    zero = flag("attention: add_zero_attn", add_zero_attn)
    chance = number("attention", "dropout_p", dropout_p) * flag("attention: training", training)
    check_hint(is_causal, attn_mask)
    masks, static = Masks(key_padding_mask, attn_mask), (static_k, static_v)
    out, weights = attend((q, k, v), p, masks, chance, batch_first=False, zero=zero, static=static)
    weights = averaged(weights, average_attn_weights)
    return out, weights if flag("attention: need_weights", need_weights) else None


def check_hint(is_causal: Any, mask: Any) -> None:
    """ValueError for a mask that is said to be the causal one, and is missing; it is applied as any other."""
    if flag("attention: is_causal", is_causal) and mask is None:
        raise ValueError("attention: is_causal says what attn_mask is, so it needs attn_mask")


def averaged(weights: Any, average: Any) -> Tensor:
    """Weights (…, heads, L, S) as they are, or the mean of all heads."""
    return weights.mean(axis=-3) if flag("attention: average_attn_weights", average) else weights  # type: ignore[no-any-return]


def projected(weights: Any, bias: Any, size: int) -> list[tuple[Any, Any]]:
    """Weight and bias of query, key and value, from three weights or from one in which they lie one under the other."""
    parts = [slice(k * size, (k + 1) * size) for k in range(3)]
    if weights is None or (isinstance(weights, tuple) and None in weights):
        raise DTypeError("attention: in_proj_weight is None, or one of the three weights in its place")
    if isinstance(weights, tuple):
        found = [value_of(w) for w in weights]
    else:
        whole = value_of(weights)
        if whole.shape != (3 * size, size):
            raise ShapeError(f"attention: in_proj_weight has shape {list(whole.shape)}, not {[3 * size, size]}")
        found = [whole[rows] for rows in parts]
    if bias is not None and bias.shape != (3 * size,):
        raise ShapeError(f"attention: in_proj_bias has shape {list(bias.shape)}, not {[3 * size]}")
    return [(w, None if bias is None else bias[rows]) for w, rows in zip(found, parts, strict=True)]


def attend(
    inputs: tuple[Any, Any, Any], p: Projections, masks: Masks, chance: float, *, batch_first: bool,
    zero: bool = False, static: tuple[Any, Any] = (None, None),
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The output, in the layout of the query, and the weights (N, heads, L, S), or (heads, L, S) without a batch."""
    single = len(inputs[0].shape) == 2
    q, k, v = _batched(inputs, [w.shape[-1] for w, _ in p.inner], single, batch_first)
    n, length, size = q.shape
    if p.heads < 1 or size % p.heads:
        raise ShapeError(f"attention: {size} features are no multiple of {p.heads} heads")
    q = _split(linear(q, *p.inner[0]), p.heads)
    k, v = (
        _projection(name, x, affine, more, fixed, (n, p.heads, size // p.heads))
        for name, x, affine, more, fixed in zip(
            ("key", "value"), (k, v), p.inner[1:], p.more, static, strict=True
        )
    )
    added = int(p.more[0] is not None) + int(zero)
    if zero:
        nothing = zeros((n, p.heads, 1, size // p.heads), dtype=q.dtype)
        k, v = (concat([x, nothing], -2) for x in (k, v))
    if k.shape[2] != v.shape[2]:
        raise ShapeError(f"attention: there are {k.shape[2]} keys and {v.shape[2]} values")
    scores = (q * (1.0 / math.sqrt(size // p.heads))) @ k.mT
    masked = _masked(scores, masks, single, added)
    weights = softmax(scores, -1) if masked is None else shares(masked)
    weights = dropout(weights, chance)
    mixed = (weights @ v).permute(0, 2, 1, 3).reshape(n, length, size)
    out = linear(mixed, *p.out)
    if single:
        return out[0], weights[0]
    return out if batch_first else out.transpose(0, 1), weights


def _batched(inputs: tuple[Any, Any, Any], sizes: list[int], single: bool, batch_first: bool) -> list[Any]:
    """Query, key and value as (batch, length, features)."""
    found: list[Any] = []
    for name, x, size in zip(("query", "key", "value"), inputs, sizes, strict=True):
        if x.ndim not in (2, 3) or (x.ndim == 2) is not single:
            wanted = "2 axes" if single and name != "query" else "3 axes, or all 2"
            raise ShapeError(f"attention: {name} has shape {list(x.shape)}, where {wanted} are expected")
        if x.shape[-1] != size:
            raise ShapeError(f"attention: {name} has shape {list(x.shape)}, where the last size is {size}")
        x = x.unsqueeze(0) if single else x if batch_first else x.transpose(0, 1)
        if found and x.shape[0] != found[0].shape[0]:
            raise ShapeError(f"attention: a batch of {x.shape[0]} of {name} for {found[0].shape[0]} of query")
        found.append(x)
    return found


def _split(x: Any, heads: int) -> Any:
    """(batch, length, features) as (batch, heads, length, features of a head)."""
    return x.reshape(*x.shape[:2], heads, x.shape[-1] // heads).permute(0, 2, 1, 3)


def _projection(
    name: str, x: Any, affine: tuple[Any, Any], more: Any, fixed: Any, sizes: tuple[int, int, int]
) -> Any:
    """Key or value by heads, (batch, heads, length, features of a head), with the one to append behind."""
    n, heads, each = sizes
    if fixed is not None:
        x = value_of(fixed)
        if x.ndim != 3 or x.shape[0] != n * heads or x.shape[2] != each:
            wanted = f"({n * heads}, length, {each})"
            raise ShapeError(f"attention: static {name} has shape {list(x.shape)}, where {wanted} is expected")
        return x.reshape(n, heads, -1, each)
    x = _split(linear(x, *affine), heads)
    if more is None:
        return x
    return concat([x, more.reshape(1, heads, 1, each).expand(n, heads, 1, each)], -2)


def _masked(scores: Any, masks: Masks, single: bool, added: int) -> Any:
    """The scores with the masks, whose keys end before the last ``added``; None without masks."""
    if masks.pairs is None and masks.padding is None:
        return None
    n, heads, length, count = scores.shape
    keys = count - added
    if masks.pairs is not None:
        mask = value_of(masks.pairs)
        if mask.shape not in ((length, keys), (n * heads, length, keys)):
            shapes = f"{[length, keys]} or {[n * heads, length, keys]}"
            raise ShapeError(f"attention: attn_mask has shape {list(mask.shape)}, where {shapes} is expected")
        mask = mask.reshape(n, heads, length, keys) if mask.ndim == 3 else mask
        scores = _without(scores, "attn_mask", mask, added)
    if masks.padding is not None:
        mask = value_of(masks.padding)
        wanted = (keys,) if single else (n, keys)
        if mask.shape != wanted:
            shapes = f"{list(mask.shape)}, where {list(wanted)} is expected"
            raise ShapeError(f"attention: key_padding_mask has shape {shapes}")
        scores = _without(scores, "key_padding_mask", mask.reshape(n, 1, 1, keys), added)
    return scores


def _without(scores: Any, name: str, mask: Any, added: int) -> Any:
    """Scores without the positions that a bool mask excludes, or with a float mask added."""
    if mask.dtype.kind != "b" and not mask.dtype.is_floating:
        raise DTypeError(f"attention: {name} is of dtype {mask.dtype.name}", help="a mask is bool or floating")
    if added:
        mask = concat([mask, zeros((*mask.shape[:-1], added), dtype=mask.dtype)], -1)
    return where(mask, -math.inf, scores) if mask.dtype.kind == "b" else scores + mask
