"""Line search: a step length that satisfies the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

DECREASE, CURVATURE = 1e-4, 0.9
"""Constants of the two conditions."""


@dataclass
class Point:
    """A step length, with the loss there, its gradient, and its slope along the direction."""

    at: float
    loss: float
    grad: Any
    slope: float


def search(
    evaluate: Callable[[float], Point], start: Point, step: float, length: float, change: float, most: int
) -> tuple[Point, int]:
    """A point that satisfies the conditions, and the number of evaluations; after ``most`` of them the best so far.

    ``length`` is the largest element of the direction: a bracket shorter than ``change`` is not searched further.
    Source: Nocedal, Wright, Numerical Optimization, algorithms 3.5 and 3.6, in the form of minFunc and PyTorch.
    """
    before, now = start, evaluate(step)
    count, used = 1, 0
    while used < most:
        if _rises(start, now) or (used > 1 and now.loss >= before.loss) or now.slope >= 0 > -_steepness(start, now):
            return _zoom(evaluate, start, [before, now], (count, used), length, change, most)
        if _steepness(start, now) <= 0:
            return now, count
        bounds = now.at + 0.01 * (now.at - before.at), now.at * 10
        before, now = now, evaluate(between(before, now, bounds))
        count, used = count + 1, used + 1
    return _zoom(evaluate, start, [start, now], (count, used), length, change, most)


def _rises(start: Point, now: Point) -> bool:
    """Whether a loss is not low enough for the length of the step."""
    return now.loss > start.loss + DECREASE * now.at * start.slope


def _steepness(start: Point, now: Point) -> float:
    """The slope at a point, beyond the allowed one; at most 0 satisfies the condition."""
    return abs(now.slope) + CURVATURE * start.slope


def _zoom(
    evaluate: Callable[[float], Point],
    start: Point,
    ends: list[Point],
    counts: tuple[int, int],
    length: float,
    change: float,
    most: int,
) -> tuple[Point, int]:
    """The search within two lengths that have such a point between them."""
    count, used = counts
    stalled = False
    low, high = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
    while used < most and abs(ends[1].at - ends[0].at) * length >= change:
        at, stalled = _inside(between(ends[0], ends[1]), ends[0].at, ends[1].at, stalled)
        now = evaluate(at)
        count, used = count + 1, used + 1
        if _rises(start, now) or now.loss >= ends[low].loss:
            ends[high] = now
            low, high = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
            continue
        done = _steepness(start, now) <= 0
        if not done and now.slope * (ends[high].at - ends[low].at) >= 0:
            ends[high] = ends[low]
        ends[low] = now
        if done:
            break
    return ends[low], count


def _inside(at: float, one: float, other: float, stalled: bool) -> tuple[float, bool]:
    """A trial length, moved from an end of the bracket where trials stay near it; whether this one is near."""
    first, last = min(one, other), max(one, other)
    margin = 0.1 * (last - first)
    if min(last - at, at - first) >= margin:
        return at, False
    if stalled or at >= last or at <= first:
        return (last - margin if abs(at - last) < abs(at - first) else first + margin), False
    return at, True


def between(one: Point, other: Point, bounds: tuple[float, float] | None = None) -> float:
    """The minimum of the cubic through two points with these slopes, within bounds; their middle if it has none."""
    first, last = bounds or (min(one.at, other.at), max(one.at, other.at))
    d = one.slope + other.slope - 3 * (one.loss - other.loss) / (one.at - other.at)
    square = d * d - one.slope * other.slope
    if not square >= 0:
        return (first + last) / 2
    a, b = (one, other) if one.at <= other.at else (other, one)
    root = sqrt(square)
    found = b.at - (b.at - a.at) * ((b.slope + root - d) / (b.slope - a.slope + 2 * root))
    return min(max(found, first), last)
