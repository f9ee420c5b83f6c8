"""Lowering of `match` patterns: their reads, their bindings, and the branch where they do not match."""

import ast

from tenure.check import ops
from tenure.check.lower.builder import Builder

__all__ = ["Patterns"]


class Patterns(Builder):
    """Patterns are lowered to reads of parts of the subject and bindings of names."""

    def value(self, node: ast.expr | None) -> int:
        """Evaluate an expression; implemented by the other half of the lowering."""
        raise NotImplementedError

    def pattern(self, pattern: ast.pattern, subject: int, otherwise: int) -> None:
        """Match a subject; go to `otherwise` where it does not match."""
        match pattern:
            case ast.MatchAs():
                if pattern.pattern is not None:
                    self.pattern(pattern.pattern, subject, otherwise)
                if pattern.name is not None:
                    self.emit(ops.Bind(pattern, self.local(pattern.name), subject))
                return
            case ast.MatchStar():
                if pattern.name is not None:
                    self.emit(ops.Bind(pattern, self.local(pattern.name), subject))
                return
            case ast.MatchOr():
                self._alternatives(pattern, subject, otherwise)
                return
            case ast.MatchValue():
                self.value(pattern.value)
                self.emit(ops.Read(pattern, subject, "compare"))
            case ast.MatchSequence():
                self._sequence(pattern, subject, otherwise)
            case ast.MatchMapping():
                self._mapping(pattern, subject, otherwise)
            case ast.MatchClass():
                self._class(pattern, subject, otherwise)
        self.edge(self.here, otherwise)
        self.start(self.block())

    def _alternatives(self, pattern: ast.MatchOr, subject: int, otherwise: int) -> None:
        matched = self.block()
        for alternative in pattern.patterns[:-1]:
            following = self.block()
            self.pattern(alternative, subject, following)
            self.edge(self.here, matched)
            self.start(following, falls=False)
        self.pattern(pattern.patterns[-1], subject, otherwise)
        self.start(matched)

    def _sequence(self, pattern: ast.MatchSequence, subject: int, otherwise: int) -> None:
        stars = [at for at, part in enumerate(pattern.patterns) if isinstance(part, ast.MatchStar)]
        parts = tuple(self.register() for _ in pattern.patterns)
        self.emit(ops.Unpack(pattern, parts, subject, stars[0] if stars else None))
        for part, register in zip(pattern.patterns, parts, strict=True):
            self.pattern(part, register, otherwise)

    def _mapping(self, pattern: ast.MatchMapping, subject: int, otherwise: int) -> None:
        for key, part in zip(pattern.keys, pattern.patterns, strict=True):
            dst, index = self.register(), (ops.Step("value", (self.value(key),)),)
            self.emit(ops.GetItem(pattern, dst, subject, index))
            self.pattern(part, dst, otherwise)
        if pattern.rest is not None:
            dst = self.register()
            self.emit(ops.Operate(pattern, dst, "unknown", (subject,)))
            self.emit(ops.Bind(pattern, self.local(pattern.rest), dst))

    def _class(self, pattern: ast.MatchClass, subject: int, otherwise: int) -> None:
        self.value(pattern.cls)
        for part in pattern.patterns:
            dst = self.register()
            self.emit(ops.Operate(pattern, dst, "unknown", (subject,)))
            self.pattern(part, dst, otherwise)
        for name, part in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
            dst = self.register()
            self.emit(ops.GetAttr(pattern, dst, subject, name))
            self.pattern(part, dst, otherwise)
