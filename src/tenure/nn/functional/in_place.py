"""Activations that write their result to the place that they are given, by PyTorch's names with an underscore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from tenure.nn.functional.activation import elu, leaky_relu, relu
from tenure.nn.functional.noise import rrelu
from tenure.nn.functional.rectifiers import celu, hardtanh, selu, threshold
from tenure.values.operations.reading import value_of
from tenure.values.places.writable import Writable
from tenure.values.trace.spelling import write_to_a_value

P = ParamSpec("P")
Place = TypeVar("Place")


def written(
    function: Callable[Concatenate[Any, P], Any], arguments: str = ""
) -> Callable[Concatenate[Place, P], Place]:
    """A function that writes the result of another to its first argument; WriteError (TN594) for a value.

    ``arguments`` are the others of the example.
    """
    name = f"{function.__name__}_"

    def writing(input: Place, /, *args: P.args, **kwargs: P.kwargs) -> Place:
        if not isinstance(input, Writable):
            raise write_to_a_value()
        return input.copy_(function(value_of(input), *args, **kwargs))

    writing.__name__ = writing.__qualname__ = name
    writing.__doc__ = f"""Write the result of ``{function.__name__}`` to a place; returns the place.

    >>> x = tn.tensor([-1.0, 2.0]).mut()
    >>> F.{name}(x{arguments}) is x
    True
    """
    writing.__wrapped__ = function  # type: ignore[attr-defined]
    return writing


celu_ = written(celu)
elu_ = written(elu)
hardtanh_ = written(hardtanh)
leaky_relu_ = written(leaky_relu)
relu_ = written(relu)
rrelu_ = written(rrelu)
selu_ = written(selu)
threshold_ = written(threshold, ", 0.0, 1.0")
