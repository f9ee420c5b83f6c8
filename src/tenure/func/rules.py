"""The parts of a rule given by hand: residuals and cotangents, nested or of all examples of a vmapped call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from tenure import dtypes
from tenure.errors import GradientError, following
from tenure.func import tree
from tenure.func.vectorize import vmap
from tenure.values.rules.levels import deeper
from tenure.values.rules.rules import Level
from tenure.values.tensor.tensor import Tensor

HERE: Final = object()
"""Stands for a tensor."""
PLAIN = (type(None), bool, int, str, bytes, slice, range, np.dtype, np.bool_, np.integer, dtypes.DType, type, type(...))
"""Types of residuals that have no derivative."""


def innermost(values: list[Any]) -> Level | None:
    """The vmapped call of whose example some values are."""
    found: Level | None = None
    for x in values:
        kind = getattr(x, "_kind", None)
        if kind is not None:
            found = deeper(found, kind.level)
    return found


class Form:
    """Nested residuals without their tensors, which are listed once each."""

    __slots__ = ("others", "tree")

    def __init__(self, residuals: Any, leaves: list[Any]) -> None:
        self.tree = tree.form(residuals)
        self.others = [HERE if isinstance(x, Tensor) else x for x in leaves]

    def filled(self, tensors: Sequence[Any]) -> Any:
        """The residuals with such tensors."""
        given = iter(tensors)
        return tree.rebuild(self.tree, iter([following(given) if x is HERE else x for x in self.others]))

    def keeps(self) -> bool:
        """Whether there is anything that a gradient needs beside Python numbers."""
        return any(x is HERE or not isinstance(x, (*PLAIN, float, complex)) for x in self.others)

    def unknown(self, arguments: list[Any], read: bool) -> str | None:
        """A residual of which is not known how it depends on the arguments: an object, or numbers, where ``forward``
        read some, that are no argument."""
        for x in self.others:
            if isinstance(x, Form):
                found = x.unknown(arguments, read)
            elif x is HERE or any(x is a for a in arguments):
                found = None
            else:
                found = undetermined(x, read)
            if found is not None:
                return found
        return None


def undetermined(x: Any, read: bool) -> str | None:
    """A residual that is no tensor, if it may depend on tensors; ``read`` says whether ``forward`` read any."""
    if isinstance(x, np.ndarray | np.generic):
        varies = x.dtype.kind not in "biu"
    elif isinstance(x, float | complex):
        varies = True
    else:
        return None if isinstance(x, PLAIN) else f"a {type(x).__name__}, which is no tensor"
    return f"a {type(x).__name__} made of what forward read" if varies and read else None


def rule_of_all(rule: Callable[[Any], Any], f: Any, forward: Any, backward: Any, own: list[bool]) -> Callable[..., Any]:
    """A function and its rule for all examples of those arguments that have an axis of them in front."""
    axes = tuple([0 if has else None for has in own])

    def made(randomness: str) -> Any:
        all_of = rule(vmap(f, axes, randomness=randomness))
        functools.update_wrapper(all_of, f)
        kept: list[Any] = []

        def first(*xs: Any) -> Any:
            def one(*xs: Any) -> Any:
                out, residuals = forward(*xs)
                leaves, results = tree.leaves(residuals), tree.leaves(out)
                places = {id(y): k for k, y in enumerate(results)}
                same = [places.get(id(x)) for x in leaves if isinstance(x, Tensor)]
                kept[:] = [Form(residuals, leaves), tuple(same)]
                tensors = [x for x in leaves if isinstance(x, Tensor)]
                return out, [x for x, k in zip(tensors, same, strict=True) if k is None]

            out, tensors = vmap(one, axes, randomness=randomness)(*xs)
            form, same = kept
            results, rest = tree.leaves(out), iter(tensors)
            return out, (form, [following(rest) if k is None else results[k] for k in same])

        def back(given: Any, g: Any) -> Any:
            form, tensors = given
            missing: list[int] = []

            def one(tensors: Any, came: Any) -> Any:
                cotangents = backward(form.filled(tensors), refilled(g, came))
                missing[:] = [k for k, c in enumerate(cotangents) if c is None]
                return [c for c in cotangents if c is not None]

            wide = iter(vmap(one, randomness=randomness)(tensors, [c for c in tree.leaves(g) if c is not None]))
            each = [None if k in missing else following(wide) for k in range(len(own))]
            return tuple([c if c is None or has else c.sum(axis=0) for c, has in zip(each, own, strict=True)])

        all_of.defvjp(first, back)
        return all_of

    return made


def refilled(form: Any, leaves: Sequence[Any]) -> Any:
    """A tree with other leaves, None where it has None."""
    found = iter(leaves)
    return tree.map_leaves(lambda x: None if x is None else following(found), form)


def cotangents_of(found: Any, forms: tuple[Any, ...], f: Any) -> list[Any]:
    """The cotangents that a rule returned for the tensors of its arguments, which have these forms."""
    if not isinstance(found, tuple) or len(found) != len(forms):
        raise GradientError(f"the rule of {f.__name__} must return a tuple of {len(forms)} cotangents")
    out: list[Any] = []
    for k, (g, form) in enumerate(zip(found, forms, strict=True)):
        wanted = len(tree.leaves(form))
        given = [None] * wanted if g is None else tree.leaves(g) if isinstance(form, dict | list | tuple) else [g]
        if len(given) != wanted:
            raise GradientError(f"the rule of {f.__name__} gave argument {k} a cotangent of another form")
        out += given
    return out
