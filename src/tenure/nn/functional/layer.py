"""Functions of layers: affine maps, dropout, normalization, embeddings, attention."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.dtypes import int64
from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import TABLE, Value
from tenure.nn.functional.activation import softmax
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.rows import fetched, flat_index, from_the_begin, table_of
from tenure.ops import index, move, pointwise, rearrange, select
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.arithmetic import where
from tenure.values.operations.products import AFFINE
from tenure.values.operations.reading import value_of
from tenure.values.operations.reductions import MOMENTS
from tenure.values.places.shared import Shared
from tenure.values.tensor.composite import composite
from tenure.values.tensor.random import rand
from tenure.values.trace.given import check_shape, flag, int_of, number

if TYPE_CHECKING:
    from tenure.values.rules.rules import Kind
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Shape


def linear(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """Affine map x @ weight.T + bias.

    Shapes: input (…, in), weight (out, in) or (in,), bias (out,); the result has (…, out). ShapeError (TN802) where
    they do not fit.

    >>> F.linear(tn.tensor([1.0, 2.0]), tn.tensor([[1.0, 10.0]]), tn.tensor([0.5]))
    tensor([21.5000])
    """
    if bias is None:
        return apply(LINEAR, (value_of(input), value_of(weight)))
    return apply(LINEAR, (value_of(input), value_of(weight), value_of(bias)))


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    if x.shape and weight.shape and x.shape[-1] != weight.shape[-1]:
        shapes = f"input of shape {list(x.shape)} and weight of shape {list(weight.shape)}"
        raise ShapeError(f"linear: {shapes} differ in their last size, the number of features")
    out = apply(AFFINE, (x, weight))
    return out if bias is None else out + bias


def _node(x: Kind, weight: Kind, bias: Kind | None = None) -> str:
    axes = min(len(x.aval.shape), 3)
    plain = {1: "SqueezeBackward4", 2: "MmBackward0"}.get(axes, "UnsafeViewBackward0")
    return plain if bias is None else "AddmmBackward0" if axes == 2 else "ViewBackward0"


LINEAR = composite("linear", _linear, _node)


def dropout(input: ArrayLike, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout: each element is 0 with probability p, else divided by 1 - p; the input itself if not ``training``.

    ValueError for a probability outside [0, 1]; ``inplace`` has no effect.

    >>> F.dropout(tn.ones(2), training=False)
    tensor([1., 1.])
    """
    if type(p) is not float:
        p = number("dropout", "p", p)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    input = value_of(input)
    if (training is not True and not flag("training", training)) or p == 0.0:
        return input
    if p == 1.0:
        return input * 0.0
    return where(rand(input.shape) >= p, input * (1.0 / (1.0 - p)), 0.0)


def layer_norm(
    input: ArrayLike,
    normalized_shape: Shape,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer normalization: (x - mean) / √(variance + eps) · weight + bias over the last axes.

    Their sizes are ``normalized_shape``; the variance divides by n. ShapeError (TN802) if the input does not end in
    that shape, or weight or bias has another. Source: Ba et al., arXiv:1607.06450.

    >>> F.layer_norm(tn.tensor([[1.0, 3.0]]), 2)
    tensor([[-1.0000,  1.0000]])
    """
    operands = tuple([value_of(p) for p in (input, weight, bias) if p is not None])
    shape = normalized_shape if type(normalized_shape) is tuple else sizes_of(normalized_shape)
    params = parameters(("shape", "weighted", "shifted"), shape, weight is not None, bias is not None)
    eps = eps if type(eps) is float else float(number("layer_norm", "eps", eps))
    return apply(LAYER_NORM, operands, params, (eps,))


def sizes_of(shape: Any) -> tuple[int, ...]:
    """The sizes of the last axes, given as a list or as one."""
    return check_shape(shape if isinstance(shape, list | tuple) else (shape,))


def _layer_norm(x: Any, *given: Any, shape: tuple[int, ...], weighted: bool, shifted: bool) -> Any:
    *given, eps = given  # type: ignore[assignment]
    weight = given[0] if weighted else None
    bias = given[-1] if shifted else None
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"layer_norm over {list(shape)} of an input of shape {list(x.shape)}")
    for name, p in (("weight", weight), ("bias", bias)):
        if p is not None and tuple(p.shape) != shape:
            raise ShapeError(f"layer_norm over {list(shape)}: {name} has shape {list(p.shape)}")
    away, _, spread = apply(MOMENTS, (x,), (("axes", tuple(range(x.ndim - len(shape), x.ndim))),))
    out = away * (1.0 / (spread + eps).sqrt())
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias


LAYER_NORM = composite("layer_norm", _layer_norm, "NativeLayerNormBackward0", wide=True)


@named_by_caller
def embedding(
    input: ArrayLike, weight: ArrayLike | Shared, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of a table at indices, weight[input].

    Shapes: input (…), weight (count, size); the result has (…, size). No gradient goes to the row ``padding_idx``.
    With ``max_norm`` the weight is a place, whose rows at the indices are written first: none keeps a larger norm of
    order ``norm_type``. ``scale_grad_by_freq`` divides the gradient of a row by how often its index occurs.
    With ``sparse`` the gradient of a leaf is a ``tn.SparseRows`` of the rows that were read, in their order; other
    weights, and those inside of transforms, get a whole one. It does not go with ``scale_grad_by_freq``. The weight may
    be a ``tn.Shared``, too.
    OutOfRange (TN801), when the result is read, for an index outside [0, count); TN802 for what is no index or no
    matrix.

    >>> F.embedding(tn.tensor([1, 1]), tn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [3., 4.]])
    """
    index, table = value_of(input), table_of(weight)
    (at, dtype), shape = index._aval[:2], table._aval.shape
    if dtype.kind not in "iu":
        raise DTypeError(f"embedding: indices of dtype {dtype.name}", help="indices are integers")
    if len(shape) != 2:
        raise ShapeError(f"embedding: a weight of shape {list(shape)}; it is (count, size)")
    count, skipped = shape[0], None
    if padding_idx is not None:
        if not -count <= int_of(padding_idx, "padding_idx") < count:
            raise ValueError(f"embedding: padding_idx {padding_idx} is not within the {count} rows")
        skipped = padding_idx % count
    if max_norm is None and not (scale_grad_by_freq or sparse or isinstance(weight, Shared)):
        rows = apply(EMBEDDING, (index, table))
        return rows if skipped is None else where((index == skipped).unsqueeze(-1), rows.detach(), rows)
    form = (max_norm, norm_type, scale_grad_by_freq, sparse)
    rows = fetched("embedding", weight, index, skipped, *form)
    if len(at) != 1:
        rows = rows.reshape(*at, shape[1])
    if skipped is None:
        return rows  # type: ignore[no-any-return]
    return where((index == skipped).unsqueeze(-1), rows.detach(), rows)


def _embedded(at: Value, table: Value) -> Value:
    flat = flat_index(at)
    rows = select.chosen(table, flat, spec=("a", ":"), at=0, unique=False, lead=None)
    return move.reshape(rows, shape=(*at.shape, table.shape[1]))


EMBEDDING = Operation("embedding", _embedded, "EmbeddingBackward0")


@named_by_caller
def one_hot(tensor: ArrayLike, num_classes: int = -1) -> Tensor:
    """One-hot code of classes: 1 where the class is, else 0, in int64.

    The shape is that of ``tensor`` (int) with a last axis of num_classes. By default the classes end at the largest
    one, which reads the tensor. OutOfRange (TN801), when the result is read, for a class outside them.

    >>> F.one_hot(tn.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    classes = value_of(tensor)
    if classes.dtype.kind not in "iu":
        raise DTypeError(f"one_hot of {classes.dtype.name}", help="classes are integers")
    num_classes = int_of(num_classes, "num_classes")
    if num_classes == -1:
        if not classes.numel():
            raise ShapeError("one_hot of no elements needs num_classes")
        num_classes = int(classes.max().item()) + 1
    check_shape((*classes.shape, num_classes), int64)
    return apply_one(ONE_HOT, classes, parameters(("classes",), num_classes))


def _coded(x: Value, *, classes: int) -> Value:
    b, place = x.builder, rearrange.shaped(from_the_begin(x), (*x.shape, 1))
    return index.add_along(b.full((*x.shape, classes), 0, int64), b.full(place.shape, 1, int64), place)


ONE_HOT = Operation("one_hot", _coded)


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Scaled dot-product attention: softmax(query @ keyᵀ · scale) @ value.

    Shapes: (…, L, E), (…, S, E), (…, S, V); the result has (…, L, V). ``scale`` is 1 / √E by default. ``attn_mask``,
    broadcast to (…, L, S), is bool (True takes part) or is added to the scores; ``is_causal`` lets position i see the
    first i + 1 keys. A position that sees no key gets zeros. With ``enable_gqa`` the axis before (heads) may be longer
    in the query, and so many of its heads in a row share one of key and value. ShapeError (TN802) where the shapes do
    not fit. Sources: Vaswani et al., NeurIPS 2017; Ainslie et al., EMNLP 2023 (grouped queries).

    >>> q = tn.ones(1, 2, 4)
    >>> F.scaled_dot_product_attention(q, q, q).shape
    (1, 2, 4)
    """
    is_causal = is_causal is not False and flag("is_causal", is_causal)
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention takes attn_mask or is_causal, not both")
    q, k, v = value_of(query), value_of(key), value_of(value)
    shape = q.shape
    if enable_gqa is not False and flag("enable_gqa", enable_gqa):
        q, k, v, attn_mask = _by_group(q, k, v, None if attn_mask is None else value_of(attn_mask))
    name, dropout_p = "scaled_dot_product_attention", number("dropout", "dropout_p", dropout_p)
    if not 0.0 <= dropout_p <= 1.0:
        raise ValueError(f"{name}: dropout_p lies between 0 and 1, and {dropout_p} does not")
    mask = () if attn_mask is None else (value_of(attn_mask),)
    params = parameters(("causal", "scale"), is_causal, None if scale is None else float(number(name, "scale", scale)))
    if not dropout_p:
        out = apply(ATTENTION, (q, k, v, *mask), params)
    else:
        out = dropout(apply(ATTENTION_WEIGHTS, (q, k, v, *mask), params), dropout_p) @ v
    return out if q.ndim == len(shape) else out.flatten(-4, -3)


def _by_group(q: Any, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any, Any]:
    """Query and mask with heads in groups, key and value with one head for all of a group."""
    heads = [x.shape[-3] if x.ndim > 2 else 0 for x in (q, k, v)]
    if not heads[1] or heads[1] != heads[2] or heads[0] % heads[1]:
        shapes = ", ".join([str(list(x.shape)) for x in (q, k, v)])
        raise ShapeError(
            f"scaled_dot_product_attention of {shapes}: with enable_gqa the heads of the query, "
            f"{heads[0]}, are a multiple of those of key and value, {heads[1]} and {heads[2]}"
        )
    if mask is not None and mask.ndim > 2:
        mask = mask.unsqueeze(-3) if mask.shape[-3] == 1 else mask.unflatten(-3, (heads[1], -1))
    return q.unflatten(-3, (heads[1], -1)), k.unsqueeze(-3), v.unsqueeze(-3), mask


def _attention_weights(q: Any, k: Any, v: Any, mask: Any = None, *, causal: bool, scale: float | None) -> Any:
    for name, x in (("query", q), ("key", k), ("value", v)):
        if x.ndim < 2:
            raise ShapeError(f"attention: {name} has shape {list(x.shape)}, and needs two axes or more")
    scores = (q * (1.0 / math.sqrt(q.shape[-1]) if scale is None else scale)) @ k.mT
    if causal:
        mask = apply_one(SEEN, scores)
    if mask is None:
        return softmax(scores, -1)
    return shares(scores, mask) if mask.dtype.kind == "b" else shares(scores + mask)


def shares(scores: Any, seen: Any = None) -> Tensor:
    """softmax over the last axis of the scores that are seen: those that are not -∞ unless a bool mask says which.

    The others have 0, and no gradient: all of a row, where none is seen.
    """
    if seen is None:
        seen = scores != -math.inf
    return where(seen, softmax(where(seen, scores, -math.inf), -1), 0.0)


def _seen(scores: Value) -> Value:
    """Whether key k is among the first i + 1, for scores (…, i, k)."""
    rows, columns = scores.shape[-2:]
    b = scores.builder
    i, k = (b.emit(TABLE["iota"], (), {"length": n, "dtype": int64}) for n in (rows, columns))
    return pointwise.greater_equal(move.reshape(i, shape=(rows, 1)), k)


SEEN = Operation("seen", _seen)
ATTENTION_WEIGHTS = composite("attention_weights", _attention_weights)
ATTENTION = composite(
    "scaled_dot_product_attention",
    lambda q, k, v, *mask, **options: _attention_weights(q, k, v, *mask, **options) @ v,
)
