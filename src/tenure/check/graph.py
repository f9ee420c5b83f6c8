"""The graph of blocks that a body is lowered to."""

import ast
from dataclasses import dataclass, field

from tenure.check.ops import Op

__all__ = ["Block", "Graph"]


@dataclass(slots=True, eq=False)
class Block:
    """Operations in a row, and the blocks that may follow."""

    ops: list[Op] = field(default_factory=list)
    succs: list[int] = field(default_factory=list)
    loop_head: bool = False


@dataclass(slots=True, eq=False)
class Graph:
    """A body as blocks; 0 is the entry, 1 the exit. `discarded`: expressions whose value is not used.

    `order`: the blocks that can be reached, each before its successors, and loops before what follows them;
    `crossing`: registers used in more than one block; `loops`: the blocks of each loop, by the one that a round
    starts at; `repeated`: those of all; `depth`: the number of loops that each of them lies in; `around`: the loop
    around each, if there is one.
    """

    blocks: list[Block] = field(default_factory=list)
    discarded: set[ast.AST] = field(default_factory=set)
    order: list[int] = field(default_factory=list)
    crossing: frozenset[int | None] = frozenset()
    repeated: frozenset[int] = frozenset()
    loops: dict[int, frozenset[int]] = field(default_factory=dict)
    depth: dict[int, int] = field(default_factory=dict)
    around: dict[int, int] = field(default_factory=dict)

    def finish(self) -> None:
        """Compute the registers that cross blocks, and the blocks that lie in loops."""
        self._place_registers()
        self.order = order = self._order()
        rank = {block: at for at, block in enumerate(order)}
        for source in order:
            for target in self.blocks[source].succs:
                if rank[target] <= rank[source]:
                    body = order[rank[target] : rank[source] + 1]
                    self.loops[target] = self.loops.get(target, frozenset()).union(body)
        self.repeated = frozenset().union(*self.loops.values())
        for blocks in self.loops.values():
            for block in blocks:
                self.depth[block] = self.depth.get(block, 0) + 1
        for head in self.loops:
            outer = [other for other, blocks in self.loops.items() if head in blocks and other != head]
            if outer:
                self.around[head] = max(outer, key=self.depth.__getitem__)

    def _place_registers(self) -> None:
        """Find the registers that cross blocks, and where the others are used for the last time."""
        seen: set[int | None] = {None}
        crossing: set[int | None] = set()
        filled = [{register: op for op in block.ops for register in op.registers()} for block in self.blocks]
        for used in filled:
            crossing |= used.keys() & seen
            seen |= used.keys()
        self.crossing = frozenset(crossing)
        for used in filled:
            for register, op in used.items():
                if register is not None and register not in crossing:
                    op.last = (*op.last, register)

    def _order(self) -> list[int]:
        seen, out, stack = {0}, [], [(0, reversed(self.blocks[0].succs))]
        while stack:
            at, rest = stack[-1]
            for following in rest:
                if following not in seen:
                    seen.add(following)
                    stack.append((following, reversed(self.blocks[following].succs)))
                    break
            else:
                out.append(at)
                stack.pop()
        return out[::-1]
