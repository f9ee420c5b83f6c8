"""Loop nests: axes merged where all addresses allow it, counters as phi nodes, vectors along the last axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from tenure.compile.index import Affine
from tenure.ops.order import GROUP, LANES

I64 = ir.IntType(64)
BLOCK = 4096
STEADY = frozenset(["add", "sub", "mul", "and", "or", "xor", "icmp", "select", "trunc", "zext", "sext"])
"""Operations on whole numbers that may run once more or once less than the program says."""
Piece = Callable[[ir.Value, int, list[Any]], list[Any]]
"""The code for the elements from an index on, how many there are at most, and what is carried: what is carried then."""
Turn = tuple[Piece, Sequence[ir.Value]]
"""A loop over a group of pieces: a piece, and what it begins with."""


@dataclass(frozen=True)
class Axis:
    """A loop over one axis or over several merged ones; ``name`` is the last of them, which its counter stands for."""

    name: int
    size: int


def merge(shape: Sequence[int], axes: Iterable[int], forms: Iterable[Affine]) -> list[Axis]:
    """Loop axes, neighbours merged where every address is a multiple of their common counter."""
    out: list[Axis] = []
    sums = list(forms)
    for a in axes:
        if shape[a] == 1:
            continue
        if out and all(f.coefficient(out[-1].name) == f.coefficient(a) * shape[a] for f in sums):
            out[-1] = Axis(a, out[-1].size * shape[a])
        else:
            out.append(Axis(a, shape[a]))
    return out


def in_one_loop(axes: Sequence[Axis]) -> bool:
    """Whether one loop goes through a row of these axes: there is one, or no vector of LANES leaves the last."""
    return len(axes) <= 1 or axes[-1].size % LANES == 0


def along(b: ir.IRBuilder, axes: Sequence[Axis], at: ir.Value) -> dict[int, ir.Value]:
    """The counters of axes that one loop goes through, at an index of it."""
    found: dict[int, ir.Value] = {}
    for axis in reversed(axes[1:]):
        found[axis.name], at = b.urem(at, constant(axis.size)), b.udiv(at, constant(axis.size))
    return {**found, axes[0].name: at}


def constant(n: int) -> ir.Constant:
    """An i64."""
    return ir.Constant(I64, n)


def counted(
    b: ir.IRBuilder,
    start: ir.Value,
    stop: ir.Value,
    step: int,
    body: Callable[[ir.Value, list[Any]], list[Any]],
    carried: Sequence[ir.Value] = (),
) -> list[Any]:
    """for i in range(start, stop, step): ``carried = body(i, carried)``; gives what is carried at the end."""
    before = b.block
    head, inside, after = (b.append_basic_block(name) for name in ("head", "body", "after"))
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(I64)
    i.add_incoming(start, before)
    phis = []
    for x in carried:
        phi = b.phi(x.type)
        phi.add_incoming(x, before)
        phis.append(phi)
    b.cbranch(b.icmp_signed("<", i, stop), inside, after)
    b.position_at_end(inside)
    results = body(i, phis)
    i.add_incoming(b.add(i, constant(step)), b.block)
    for phi, x in zip(phis, results, strict=True):
        phi.add_incoming(x, b.block)
    b.branch(head)
    if step > 1 and b.block is inside:
        lift(before, head, inside)
    b.position_at_end(after)
    return phis


def lift(before: ir.Block, head: ir.Block, inside: ir.Block) -> None:
    """Move what a row of vectors shares in front of its loop: LLVM's code generator leaves a choice between numbers
    inside, as that goes through the flags, and so all that follows from it. Vectors stay: it counts the registers."""
    kept: list[Any] = []
    for at in inside.instructions:
        moves = at.opname in STEADY and not isinstance(at.type, ir.VectorType)
        if moves and not any(getattr(x, "parent", None) in (head, inside) for x in at.operands):
            before.instructions.insert(-1, at)
            at.parent = before
        else:
            kept.append(at)
    inside.instructions[:] = kept


def grouped(
    b: ir.IRBuilder,
    ends: tuple[ir.Value, ir.Value],
    size: int,
    step: int,
    most: int,
    turns: Sequence[Turn],
    closed: Callable[[list[list[Any]]], list[Any]],
    merge: Callable[[list[Any], list[Any]], list[Any]] | None,
) -> list[Any]:
    """``held = piece(i, live, held)`` from one of ``ends`` to the other: at most ``most`` pieces of ``step`` elements.

    Each GROUP pieces begin anew from ``held``, a loop for each of ``turns``; what all come to is ``closed`` and merged
    into what those before came to, and so are groups of groups; without ``merge`` all is one group. The last piece of
    all ``size`` elements may have fewer.
    """
    whole, rest = size - size % step, size % step
    start = closed([list(held) for _, held in turns]) if merge is not None and most > GROUP else []

    def run(piece: Piece, held: Sequence[ir.Value], first: ir.Value, last: ir.Value, stop: ir.Value) -> list[Any]:
        if isinstance(stop, ir.Constant) and isinstance(first, ir.Constant) and stop.constant - first.constant <= step:
            found = piece(first, step, list(held)) if stop.constant > first.constant else list(held)
        else:
            found = counted(b, first, stop, step, lambda i, carried: piece(i, step, carried), held)
        if not rest:
            return found
        known = isinstance(last, ir.Constant)
        ends_here = ir.Constant(ir.IntType(1), 1) if known else b.icmp_signed(">", last, constant(whole))
        return guarded(b, ends_here, found, lambda found: piece(constant(whole), rest, list(found)))

    def group(first: ir.Value, last: ir.Value, most: int) -> list[Any]:
        if merge is not None and most > GROUP:
            part = GROUP
            while part * GROUP < most:
                part *= GROUP

            def groups(i: ir.Value, carried: list[Any]) -> list[Any]:
                return merge(carried, group(i, least(b, b.add(i, constant(part * step)), last), part))

            return counted(b, first, last, part * step, groups, start)
        stop = least(b, last, constant(whole))
        return closed([run(piece, held, first, last, stop) for piece, held in turns])

    return group(*ends, most)


def only(found: list[list[Any]]) -> list[Any]:
    """The result of a single turn."""
    (carried,) = found
    return carried


def least(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The smaller one."""
    if isinstance(x, ir.Constant) and isinstance(y, ir.Constant):
        return x if x.constant < y.constant else y
    return b.select(b.icmp_signed("<", x, y), x, y)


def guarded(
    b: ir.IRBuilder, condition: ir.Value, carried: Sequence[ir.Value], body: Callable[[Sequence[Any]], list[Any]]
) -> list[Any]:
    """``body(carried)`` where the condition holds, else what is carried."""
    if isinstance(condition, ir.Constant):
        return body(carried) if condition.constant else list(carried)
    before = b.block
    inside, after = b.append_basic_block("then"), b.append_basic_block("after")
    b.cbranch(condition, inside, after)
    b.position_at_end(inside)
    results, end = body(carried), b.block
    b.branch(after)
    b.position_at_end(after)
    out = []
    for x, y in zip(carried, results, strict=True):
        phi = b.phi(x.type)
        phi.add_incoming(x, before)
        phi.add_incoming(y, end)
        out.append(phi)
    return out


def stack(b: ir.IRBuilder, t: ir.Type) -> ir.Value:
    """The address of room on the stack, made once, at the function's entry."""
    with b.goto_entry_block():
        room = b.alloca(t)
        room.align = 64
        return b.inttoptr(b.ptrtoint(room, I64), ir.PointerType())


def nest(b: ir.IRBuilder, axes: Sequence[Axis], variables: dict[int, ir.Value], body: Callable[[], None]) -> None:
    """Serial loops over axes; their counters are added to ``variables``."""
    if not axes:
        body()
        return

    def inner(i: ir.Value, _: list[Any]) -> list[Any]:
        variables[axes[0].name] = i
        nest(b, axes[1:], variables, body)
        return []

    counted(b, constant(0), constant(axes[0].size), 1, inner)


def vectorized(
    b: ir.IRBuilder,
    start: ir.Value,
    stop: ir.Value,
    width: int,
    body: Callable[[ir.Value, int], None],
    rest: Callable[[ir.Value], None] | None = None,
) -> None:
    """``body(i, width)`` over full vectors, then ``body(i, 1)`` over the rest, or ``rest(i)`` for all of it at once."""
    whole = stop
    if width > 1:
        count = b.sub(stop, start)
        whole = b.sub(stop, b.srem(count, constant(width)))

        def wide(i: ir.Value, _: list[Any]) -> list[Any]:
            body(i, width)
            return []

        counted(b, start, whole, width, wide)
        start = whole
    if rest is not None:
        rest(start)
        return

    def single(i: ir.Value, _: list[Any]) -> list[Any]:
        body(i, 1)
        return []

    counted(b, start, stop, 1, single)


def short(size: int, width: int, itemsize: int) -> int:
    """The number of elements of a row in the last, partial vector; 0 if there is none, or if one by one is as well."""
    return size % width if size > width and itemsize >= 4 else 0
