"""The loss of a sequence of labels whose places in time are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.nn.functional.reducing import check_reduction
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.boundary import array_alone
from tenure.values.operations.creation import tensor
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.reading import value_of
from tenure.values.operations.reductions import logsumexp
from tenure.values.operations.shaping import broadcast_to, concat, stack
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

    Lengths = ArrayLike | tuple[int, ...] | list[int] | int

NEVER = -1e30
"""The logarithm of the probability of what cannot be: finite, so that no gradient is NaN."""
HARDLY = -1e29


def ctc_loss(
    log_probs: ArrayLike, targets: ArrayLike, input_lengths: Lengths, target_lengths: Lengths, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Connectionist temporal classification: −log of the probability of all alignments that spell the targets.

    Shapes: log_probs (T, N, C) or (T, C), logarithms of probabilities; targets (N, S), or (Σ target_lengths,) one after
    the other; lengths (N,). "mean" divides each loss by its target's length, then by N. A target that has no alignment
    has an infinite loss, 0 with ``zero_infinity``, and the gradient 0. The gradient is that of the sum over alignments;
    PyTorch's is the same behind ``log_softmax``. OutOfRange (TN801) for a length or a label that is not there.
    Source: A. Graves et al., Connectionist temporal classification, ICML 2006.

    >>> F.ctc_loss(F.log_softmax(tn.zeros(2, 1, 2), -1), tn.tensor([[1]]), [2], [1], reduction="none")
    tensor([0.2877])
    """
    check_reduction("ctc_loss", reduction)
    x, y = value_of(log_probs), value_of(targets)
    single = x.ndim == 2
    x = x.unsqueeze(1) if single else x
    if x.ndim != 3 or not x.dtype.is_floating:
        raise ShapeError(f"ctc_loss: log_probs {x._aval}, where floats of shape (T, N, C) or (T, C) are wanted")
    times, count, classes = x.shape
    if not count:
        raise ShapeError(f"ctc_loss: log_probs of shape {list(x.shape)} have no sequence")
    none = int_of(blank, "ctc_loss: blank")
    if not 0 <= none < classes:
        raise OutOfRange(f"ctc_loss: the blank {none} is none of {classes} classes")
    ends = _lengths("input_lengths", input_lengths, count, times)
    y, sizes = _padded(y, target_lengths, count)
    labels = _labels(y, sizes, classes, none)
    operands = (x, tensor(labels), tensor(ends), tensor(sizes))
    names = ("blank", "reduction", "zero_infinity", "single")
    form = (none, reduction, flag("ctc_loss: zero_infinity", zero_infinity), single)
    return apply(CTC, operands, parameters(names, *form))


def _lengths(argument: str, given: Any, count: int, most: int) -> list[int]:
    """Lengths as ints, each of at most so many."""
    if not isinstance(given, int | list | tuple):
        value = value_of(given)
        if value._aval.dtype.kind not in "iu":
            raise DTypeError(f"ctc_loss: {argument} of {value._aval.dtype.name} are no whole numbers")
        given = array_alone(value).reshape(-1).tolist()
    found = [int_of(n, f"ctc_loss: {argument}: each") for n in ([given] if isinstance(given, int) else given)]
    if len(found) != count:
        raise ShapeError(f"ctc_loss: {len(found)} {argument} for {count} sequences")
    for n in found:
        if not 0 <= n <= most:
            raise OutOfRange(f"ctc_loss: a length of {argument} is {n}, and there are {most}")
    return found


def _padded(y: Any, lengths: Any, count: int) -> tuple[Any, list[int]]:
    """Targets (N, S) as an array, and their lengths."""
    if y._aval.dtype.kind not in "iu":
        raise DTypeError(f"ctc_loss: targets of {y._aval.dtype.name}: labels are whole numbers")
    rows = array_alone(y)
    if rows.ndim == 1:
        sizes = _lengths("target_lengths", lengths, count, rows.size)
        if sum(sizes) != rows.size:
            raise ShapeError(f"ctc_loss: {rows.size} targets in a row, and target_lengths {shown(sizes)}")
        starts = [sum(sizes[:k]) for k in range(count)]
        longest = max(sizes, default=0)
        return [[*rows[s : s + n].tolist(), *[None] * (longest - n)] for s, n in zip(starts, sizes, strict=True)], sizes
    if rows.ndim != 2 or rows.shape[0] != count:
        raise ShapeError(f"ctc_loss: targets of shape {list(y.shape)} for {count} sequences")
    return rows.tolist(), _lengths("target_lengths", lengths, count, rows.shape[1])


def _labels(rows: Any, sizes: list[int], classes: int, blank: int) -> list[list[int]]:
    """Labels with blanks around each; behind the end of a target there are blanks alone."""
    found = []
    for row, size in zip(rows, sizes, strict=True):
        line = [blank]
        for k, label in enumerate(row):
            known = label if k < size else blank
            if not 0 <= known < classes:
                raise OutOfRange(f"ctc_loss: the label {known} is none of {classes} classes")
            line += [known, blank]
        found.append(line)
    return found


def _ctc(
    x: Any, labels: Any, ends: Any, sizes: Any, *, blank: int, reduction: str, zero_infinity: bool, single: bool
) -> Any:
    """The forward recursion, in logarithms, over all sequences at once."""
    times, count, _ = x.shape
    states = labels.shape[1]
    every = take_along_axis(x, broadcast_to(labels.unsqueeze(0), (times, count, states)), axis=2)
    logs = where(every < HARDLY, NEVER, every)
    before = _shifted(labels, 2, blank)
    skips = (labels != blank) & (labels != before)
    start, known = (logs[0], 2) if times else ((labels * 0).to(x.dtype), 1)
    alpha = concat([start[:, :known], start[:, known:] * 0 + NEVER], axis=1)
    for t in range(1, times):
        ways = (alpha, _shifted(alpha, 1, NEVER), where(skips, _shifted(alpha, 2, NEVER), NEVER))
        following = (logsumexp(stack(ways, 0), 0) + logs[t]).clip(NEVER, None)
        alpha = where((ends > t).unsqueeze(1), following, alpha)
    last = (2 * sizes).unsqueeze(1)
    blanks, label = (take_along_axis(alpha, k, axis=1) for k in (last, (last - 1).clip(0, None)))
    both = logsumexp(stack((blanks, where(last > 0, label, NEVER)), 0), 0).squeeze(1)
    losses = where(both < HARDLY, 0.0 if zero_infinity else float("inf"), -both)
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return (losses / sizes.clip(1, None).to(x.dtype)).mean()
    return losses.squeeze(0) if single else losses


def _shifted(x: Any, n: int, value: float) -> Any:
    """States n further on."""
    if x.shape[1] <= n:
        return x * 0 + value
    return concat([x[:, :n] * 0 + value, x[:, :-n]], axis=1)


CTC = composite("ctc_loss", _ctc, "CtcLossBackward0")
