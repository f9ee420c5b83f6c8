"""Losses with a margin: between the right score and others, between vectors that are alike and ones that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import int64
from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import TABLE, Value
from tenure.nn.functional.activation import logsigmoid, relu
from tenure.nn.functional.reducing import reduced, scalar, tensors, way
from tenure.nn.functional.rows import no_negative
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.arithmetic import where
from tenure.values.operations.indexing import take_along_axis
from tenure.values.tensor.composite import composite

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Loss of a ranking, max(0, margin - target · (input1 - input2)): a target of 1 wants the first input larger.

    -1 wants the second one larger. ``reduction`` is "mean", "sum" or "none"; older flags as in ``mse_loss``. Shapes
    broadcast; ShapeError (TN802) where they do not, or differ in the number of axes.

    >>> F.margin_ranking_loss(tn.tensor([1.0, 2.0]), tn.tensor([3.0, 1.0]), tn.tensor([1.0, 1.0]), reduction="none")
    tensor([2., 0.])
    """
    operands = tensors((input1, input2, target))
    if len({x.ndim for x in operands}) > 1:
        shapes = ", ".join([str(list(x.shape)) for x in operands])
        raise ShapeError(f"margin_ranking_loss: shapes {shapes} differ in the number of axes")
    form = parameters(("reduction",), way("margin_ranking_loss", reduction, size_average, reduce))
    return apply(RANKING, operands, form, (scalar("margin_ranking_loss", "margin", margin),))


def _ranking(x: Any, y: Any, sign: Any, margin: Any, *, reduction: str) -> Any:
    return reduced((margin - sign * (x - y)).clip(0.0, None), None, reduction)


RANKING = composite("margin_ranking_loss", _ranking, "MeanBackward0")


def hinge_embedding_loss(
    input: ArrayLike,
    target: ArrayLike,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Loss of a distance, the input: itself at a target of 1, max(0, margin - input) at -1.

    ``reduction`` is "mean", "sum" or "none"; older flags as in ``mse_loss``. Shapes broadcast; ShapeError (TN802) where
    they do not.

    >>> F.hinge_embedding_loss(tn.tensor([0.5, 0.25]), tn.tensor([1, -1]), reduction="none")
    tensor([0.5000, 0.7500])
    """
    form = parameters(("reduction",), way("hinge_embedding_loss", reduction, size_average, reduce))
    return apply(HINGE, tensors((input, target)), form, (scalar("hinge_embedding_loss", "margin", margin),))


def _hinge(x: Any, y: Any, margin: Any, *, reduction: str) -> Any:
    apart = where(y == 1, 0.0, (margin - x).clip(0.0, None))
    return reduced(apart + where(y == -1, 0.0, x), None, reduction)


HINGE = composite("hinge_embedding_loss", _hinge, "MeanBackward0")


def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Loss of the cosine of the angle between vectors: 1 - cos at a target of 1, max(0, cos - margin) at -1.

    Shapes: inputs (N, D) and target (N,), or inputs (D,) and a single target. ``reduction`` is "mean", "sum" or "none";
    older flags as in ``mse_loss``. ShapeError (TN802) for other shapes.

    >>> x, y = tn.tensor([[1.0, 0.0], [1.0, 0.0]]), tn.tensor([[0.0, 1.0], [1.0, 1.0]])
    >>> F.cosine_embedding_loss(x, y, tn.tensor([1, -1]), reduction="none")
    tensor([1.0000, 0.7071])
    """
    x, y, sign = operands = tensors((input1, input2, target))
    if sign.ndim > 1 or x.ndim != sign.ndim + 1 or y.ndim != sign.ndim + 1:
        shapes = f"inputs of shapes {list(x.shape)} and {list(y.shape)}, target of shape {list(sign.shape)}"
        raise ShapeError(
            f"cosine_embedding_loss: {shapes}", help="inputs are (N, D) and the target (N,), or (D,) and one number"
        )
    form = parameters(("reduction",), way("cosine_embedding_loss", reduction, size_average, reduce))
    return apply(ANGLE, operands, form, (scalar("cosine_embedding_loss", "margin", margin),))


def _angle(x: Any, y: Any, sign: Any, margin: Any, *, reduction: str) -> Any:
    squares = [(v * v).sum(axis=-1) + 1e-12 for v in (x, y)]
    cosine = (x * y).sum(axis=-1) / (squares[0] * squares[1]).sqrt()
    apart = where(sign == -1, (cosine - margin).clip(0.0, None), 0.0)
    return reduced(where(sign == 1, 1.0 - cosine, 0.0) + apart, None, reduction)


ANGLE = composite("cosine_embedding_loss", _angle, "MeanBackward0")


def _rows(name: str, x: Any, y: Any, *, of_classes: bool) -> None:
    """TN802 unless the input is (N, C) or (C,), and the target whole numbers of a shape that goes with it."""
    if x.ndim not in (1, 2):
        raise ShapeError(f"{name}: an input of shape {list(x.shape)}; it is (N, C), or (C,)")
    if y.dtype.kind not in "iu":
        raise DTypeError(f"{name}: targets of {y.dtype.name}: classes are whole numbers")
    allowed = (x.shape,) if of_classes else (x.shape[:-1], (1,)) if x.ndim == 1 else (x.shape[:-1],)
    if y.shape not in allowed:
        raise ShapeError(f"{name}: input of shape {list(x.shape)}, target of shape {list(y.shape)}")


def _classes(x: Value) -> Value:
    """The numbers of the classes, the last axis."""
    return x.builder.emit(TABLE["iota"], (), {"length": x.shape[-1], "dtype": int64})


CLASSES = Operation("classes", _classes)


def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge loss of many classes: the mean over classes c of max(0, margin - x[target] + x[c])^p, but for the target's.

    Shapes: input (N, C) and target (N,) of class indices, or (C,) and one. ``p`` is 1 or 2; ``weight`` (C,) scales by
    the target's class. ``reduction`` is "mean", "sum" or "none"; older flags as in ``mse_loss``. ValueError for another
    p; TN802 for shapes or dtypes that do not fit; OutOfRange (TN801), when the loss is read, for a class that is not
    there.

    >>> F.multi_margin_loss(tn.tensor([[0.0, 1.0, 1.5]]), tn.tensor([2]))
    tensor(0.1667)
    """
    x, y = operands = tensors((input, target))
    power = scalar("multi_margin_loss", "p", p)
    if power not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {power:g}")
    reduction = way("multi_margin_loss", reduction, size_average, reduce)
    if weight is not None:
        operands = tensors((input, target), weight)
        rate, count = operands[2], x.shape[-1] if x.ndim else 1
        if rate.shape != (count,):
            raise ShapeError(f"multi_margin_loss: weight of shape {list(rate.shape)} for {count} classes")
    _rows("multi_margin_loss", x, y, of_classes=False)
    form = parameters(("reduction", "squared"), reduction, power == 2)
    return apply(MULTI_MARGIN, operands, form, (scalar("multi_margin_loss", "margin", margin),))


def _multi_margin(x: Any, y: Any, *given: Any, reduction: str, squared: bool) -> Any:
    *weight, margin = given
    count = x.shape[-1]
    rows = x.reshape(-1, count)
    index = no_negative(y).reshape(-1, 1)
    away = relu(margin - take_along_axis(rows, index, axis=1) + rows)
    numbers = apply_one(CLASSES, rows)
    away = away.square() if squared else away
    if weight:
        away = away * weight[0][index]
    losses = where(numbers == index, 0.0, away).sum(axis=1) / count
    return reduced(losses.reshape(y.shape), None, reduction)


MULTI_MARGIN = composite("multi_margin_loss", _multi_margin)


def multilabel_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge loss of many labels: Σ max(0, 1 - x[label] + x[c]) / C over the labels of a row and the other classes c.

    Shapes: input and target (N, C), or (C,). A row of the target has the labels, then -1; what is behind it does not
    count. ``reduction`` is "mean", "sum" or "none"; older flags as in ``mse_loss``. TN802 for shapes or dtypes that do
    not fit; OutOfRange (TN801), when the loss is read, for a label that is not there.

    >>> F.multilabel_margin_loss(tn.tensor([[0.1, 0.2, 0.4, 0.8]]), tn.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    x, y = operands = tensors((input, target))
    form = parameters(("reduction",), way("multilabel_margin_loss", reduction, size_average, reduce))
    _rows("multilabel_margin_loss", x, y, of_classes=True)
    return apply(MULTILABEL, operands, form)


def _multilabel(x: Any, y: Any, *, reduction: str) -> Any:
    count, single = x.shape[-1], x.ndim == 1
    rows, y = x.reshape(-1, count), y.long().reshape(-1, count)
    valid = (y < 0).long().cumsum(axis=1) == 0
    index = where(y == -1, 0, no_negative(y))
    numbers = apply_one(CLASSES, rows)
    scores = take_along_axis(rows, index, axis=1)
    labels = (valid.unsqueeze(2) & (index.unsqueeze(2) == numbers)).any(axis=1)
    pairs = valid.unsqueeze(2) & labels.logical_not().unsqueeze(1)
    away = relu(1.0 - scores.unsqueeze(2) + rows.unsqueeze(1))
    losses = where(pairs, away, 0.0).sum(axis=(1, 2)) / count
    return reduced(losses.reshape(()) if single else losses, None, reduction)


MULTILABEL = composite("multilabel_margin_loss", _multilabel)


def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of sigmoid(input) for many labels: the mean over the classes, the last axis.

    Shapes broadcast; ``weight`` scales each class. ``reduction`` of the other axes is "mean", "sum" or "none"; older
    flags as in ``mse_loss``. ShapeError (TN802) for shapes that do not broadcast, or without an axis of classes.

    >>> F.multilabel_soft_margin_loss(tn.tensor([[0.0, 0.0]]), tn.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    form = parameters(("reduction",), way("multilabel_soft_margin_loss", reduction, size_average, reduce))
    return apply(MULTILABEL_SOFT, tensors((input, target), weight), form)


def _multilabel_soft(x: Any, y: Any, weight: Any = None, *, reduction: str) -> Any:
    if not x.ndim:
        raise ShapeError("multilabel_soft_margin_loss of an input without an axis of classes")
    losses = -(y * logsigmoid(x) + (1 - y) * logsigmoid(-x))
    losses = losses if weight is None else losses * weight
    return reduced(losses.sum(axis=-1) / x.shape[-1], None, reduction)


MULTILABEL_SOFT = composite("multilabel_soft_margin_loss", _multilabel_soft, "MeanBackward0")
