"""Rematerialization: values of a checkpointed block are computed once more for its derivative instead of being kept.

    block { a = sin x; y = mul a a }       and the vjp of y, where it reads a, reads
    x' = again x; a' = sin x'              in its stead

``again`` is the identity, of which a pass that unites equal instructions knows nothing: so a' is not a, which may die.
"""

from __future__ import annotations

from tenure.ir.program import TABLE, Builder, Value


class Recomputed:
    """Values as a derivative reads them: those of closed blocks recomputed, each block from its inputs, the rest as
    they are."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.copies: dict[tuple[int, int], Value] = {}
        self.open = b.open_blocks()

    def block(self, v: int) -> int:
        """Outermost closed block of a value; 0 for none."""
        k = self.b.blocks.get(v, 0)
        while k not in self.open and self.b.outer[k] not in self.open:
            k = self.b.outer[k]
        return 0 if k in self.open else k

    def value(self, v: int, block: int) -> Value:
        """Value as the derivative of an instruction in a block reads it; block 0 is outside of all."""
        if not block:
            return Value(self.b, v)
        if (block, v) not in self.copies:
            self.compute(v, block)
        return self.copies[block, v]

    def compute(self, v: int, block: int) -> None:
        """Recompute a value from the inputs of its block."""
        b, stack, needed = self.b, [v], {v}
        while stack:
            u = stack.pop()
            if self.block(u) == block and not self.begins(u):
                more = {o for o in b.operands[u] if o not in needed and (block, o) not in self.copies}
                needed |= more
                stack.extend(more)
        for u in sorted(needed):
            at = b.instruction(u)
            if at is None or self.block(u) != block or self.begins(u):
                copy = self.entry(u)
            else:
                copy = b.emit(at.primitive, [self.copies[block, o] for o in at.operands], at.params)
            b.tracked[copy.id] = b.tracked[u]
            self.copies[block, u] = copy

    def begins(self, v: int) -> bool:
        """Whether a value is tracked although none of its operands is: its gradient goes on elsewhere; it is kept."""
        at = self.b.made(v)
        return at is not None and self.b.tracked[v] and not any(self.b.tracked[o] for o in self.b.operands[v])

    def entry(self, v: int) -> Value:
        """Input of a block; numbers and constants cost nothing to keep."""
        made_of_none = self.b.made(v) is not None and not self.b.operands[v]
        if self.begins(v) or not self.b.avals[v].shape or made_of_none:
            return Value(self.b, v)
        return TABLE["again"](Value(self.b, v))
