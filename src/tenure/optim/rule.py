"""The arithmetic of an optimizer, recorded as one step for many parameters: one kernel then updates small ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from tenure.dtypes import DType
from tenure.errors import ShapeError, following
from tenure.ops import complexes, move, promote
from tenure.ops.promote import Operation, parameters
from tenure.runtime.bracket import at_once
from tenure.values.grad import steps
from tenure.values.places.updates import become, refuse_writes
from tenure.values.tensor.tensor import Tensor

Options = tuple[tuple[str, Any], ...]
NAMES = ("count", "tensors", "options")


class Rule:
    """``function(p, g, kept, numbers, **options)`` gives the new value of a parameter and the list of what is kept for
    it. It is handed values of a program under construction, the numbers in the dtype of the parameter.

    Complex parameters are updated part by part: the function meets their real parts, and then their imaginary ones.
    """

    def __init__(self, name: str, function: Callable[..., tuple[Any, list[Any]]]) -> None:
        self.function = function
        self.operation = Operation(name, self._together)

    def __call__(
        self,
        places: Sequence[Any],
        grads: Sequence[Any],
        kept: Sequence[Sequence[Any]],
        numbers: Any,
        options: Options,
        also: Sequence[tuple[Any, ...]] = (),
    ) -> None:
        """Write the ``places``, and the places that are kept for each: a sequence for each kind of them. The steps of
        ``also`` are made with it, at once.

        A number may be a tensor of one element.
        """
        written = [*places, *chain.from_iterable(kept)]
        refuse_writes(written)
        given = [n for n in numbers if isinstance(n, Tensor)]
        tensors = tuple([isinstance(n, Tensor) for n in numbers]) if given else (False,) * len(numbers)
        operands = [*places, *grads, *written[len(places) :], *given]
        scalars = tuple([float(n) for n in numbers if not isinstance(n, Tensor)])
        params = parameters(NAMES, len(places), tensors, options)
        new = steps.update(self.operation, operands, params, scalars, written)
        at_once((*also, (become, written, new)))

    def _together(self, *xs: Any, count: int, tensors: tuple[bool, ...], options: Options) -> tuple[Any, ...]:
        """All new parameters, then all state, kind by kind."""
        end = len(xs) - len(tensors)
        numbers = ordered(self.operation.name, xs[end:], tensors)
        rows = [self._one(*xs[k:end:count], numbers=numbers, options=dict(options)) for k in range(count)]
        return tuple([x for column in zip(*rows, strict=True) for x in column])

    def _one(self, p: Any, g: Any, *kept: Any, numbers: list[Any], options: dict[str, Any]) -> list[Any]:
        """The new value of a parameter, and of what is kept for it."""
        if p.dtype.is_complex:
            parts = complexes.real, complexes.imag
            halves = [self._one(*[part(x) for x in (p, g, *kept)], numbers=numbers, options=options) for part in parts]
            return [complexes.complex_(x, y) for x, y in zip(*halves, strict=True)]
        new, others = self.function(p, g, list(kept), cast(numbers, p.dtype), **options)
        return [new, *others]


def ordered(name: str, xs: Sequence[Any], tensors: Sequence[bool]) -> list[Any]:
    """The numbers of a step in their order: those that are ``tensors`` come first in xs."""
    given = sum(tensors)
    of_tensors, of_numbers = iter(xs[:given]), iter(xs[given:])
    return [_number(name, following(of_tensors)) if tensor else following(of_numbers) for tensor in tensors]


def _number(name: str, n: Any) -> Any:
    if n.aval.size != 1:
        raise ShapeError(f"{name}: a number that is a tensor has one element, not {list(n.shape)}")
    return move.reshape(n, shape=()) if n.ndim else n


def cast(numbers: Sequence[Any], dtype: DType) -> list[Any]:
    """Numbers in the dtype of a real parameter."""
    return [promote.as_type(n, dtype) for n in numbers]


def turned(p: Any, g: Any, shrink: Any, *, decay: bool, maximize: bool) -> Any:
    """The gradient as a formula takes it: turned round to go up, and with ``shrink`` · p added to it."""
    g = -g if maximize else g
    return g + shrink * p if decay else g
