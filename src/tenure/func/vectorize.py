"""vmap: a function of one example becomes a function of many.

The function is called once, on tensors that have the shape of one example. When it returns, the operations that it
recorded become those on all examples; a call seen before builds nothing again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final, overload

import numpy as np

from tenure.errors import DTypeError, ShapeError, VmapError, following, shown
from tenure.func import tree
from tenure.func.signatures import Function, P, R, Transformed
from tenure.values.grad.vmapped import calling, check_whole, finish, select
from tenure.values.operations.axes import check_axis
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.rules.levels import Call
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

POLICIES = ("error", "different", "same")


class _Unsaid:
    """The default of axes: 0, where neither name was given, and so whose rule for keywords holds."""

    def __repr__(self) -> str:
        return "0"


UNSAID: Final = _Unsaid()


@overload
def vmap(
    func: Callable[[Tensor], R],
    in_axes: Any = UNSAID, out_axes: Any = UNSAID, randomness: str = "error", *, in_dims: Any = UNSAID,
    out_dims: Any = UNSAID, chunk_size: int | None = None,
) -> Transformed[[Tensor], R]: ...
@overload
def vmap(
    func: Callable[P, R],
    in_axes: Any = UNSAID, out_axes: Any = UNSAID, randomness: str = "error", *, in_dims: Any = UNSAID,
    out_dims: Any = UNSAID, chunk_size: int | None = None,
) -> Transformed[P, R]: ...
@checked_first
def vmap(
    func: Function,
    in_axes: Any = UNSAID,
    out_axes: Any = UNSAID,
    randomness: str = "error",
    *,
    in_dims: Any = UNSAID,
    out_dims: Any = UNSAID,
    chunk_size: int | None = None,
) -> Any:
    """A function that applies ``func`` to each example of its arguments, with the results along an axis.

    ``in_axes`` says which axis of each argument goes over the examples: one int for all arguments, or a tuple with
    an entry for each, in which a nested list, tuple or dict may have entries of its own. None, and whatever is no
    tensor, is the same for every example. ``out_axes`` says where the results have the axis of examples; None asks
    for a result that is the same for all without it. ``in_dims`` and ``out_dims`` are PyTorch's names for them.
    Tensors given by keyword go over their axis 0 where ``in_axes`` was said (JAX's rule), are the same for every
    example where ``in_dims`` was (PyTorch's), and are refused (TypeError) where neither was.

    ``func`` sees one example: reading a value of it (``item``, ``bool``, ``if``) is a VmapError, as is writing it to a
    place made outside. Random numbers inside are a VmapError unless ``randomness`` is "different" (each example
    draws its own) or "same". A ``custom_vjp`` rule is vmapped with its function. Arguments are borrowed. TN801 for an
    axis that is not there, TN802 where the numbers of examples differ. ``chunk_size`` is accepted: examples go through
    memory in blocks as it is.

    >>> tn.vmap(lambda x: x.sum())(tn.tensor([[1, 2], [3, 4]]))
    tensor([3, 7])
    """
    check_chunk(chunk_size)
    inputs, whole = _said("in", in_axes, in_dims)
    outputs, _ = _said("out", out_axes, out_dims)
    if randomness not in POLICIES:
        raise ValueError(f"randomness is one of {', '.join(POLICIES)}, not {shown(randomness)}")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if whole is None and any(_maps(x) for x in tree.leaves(kwargs)):
            raise TypeError(
                "tensors given by keyword: JAX maps them along axis 0 and PyTorch does not map them. Give in_axes=… "
                "for the one, in_dims=… for the other, or give them by position"
            )
        given = (args, kwargs)
        axes = [*prefix(inputs, args, "in_axes"), *prefix(None if whole else 0, kwargs, "in_axes")]
        leaves, count = _examples(tree.leaves(given), axes)

        def inside(call: Call) -> Any:
            one = [x if axis is None else select(x, axis, call.level) for x, axis in leaves]
            args, kwargs = tree.rebuild(given, iter(one))
            out = func(*args, **kwargs)
            check_whole(call)
            return _returned(call, out, prefix(outputs, out, "out_axes"))

        return calling(count, randomness, inside)

    return wrapped


def check_chunk(size: Any) -> None:
    """Refuse what is no number of examples to compute at once."""
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ValueError(f"chunk_size is None or an int from 1 on, not {shown(size)}")


def _said(side: str, axes: Any, dims: Any) -> tuple[Any, bool | None]:
    """The axes under either of their names, and whether it was PyTorch's (None: neither was given)."""
    if axes is not UNSAID and dims is not UNSAID:
        raise TypeError(f"{side}_axes and {side}_dims are two names of one argument: give one of them")
    if dims is not UNSAID:
        return dims, True
    return (0, None) if axes is UNSAID else (axes, False)


def _maps(x: Any) -> bool:
    """Whether a leaf can go over examples."""
    return isinstance(x, Tensor | np.ndarray)


def prefix(axes: Any, values: Any, what: str) -> list[Any]:
    """The axis of each leaf of a tree: that of the entry that stands for it or for a tree that it is in."""
    return list(_prefix(axes, values, what))


def _prefix(axes: Any, values: Any, what: str) -> Iterator[Any]:
    if axes is None or isinstance(axes, int):
        yield from [axes] * len(tree.leaves(values))
    elif isinstance(axes, dict) and isinstance(values, dict) and axes.keys() == values.keys():
        for key, value in values.items():
            yield from _prefix(axes[key], value, what)
    elif isinstance(axes, tuple | list) and isinstance(values, tuple | list) and len(axes) == len(values):
        for axis, value in zip(axes, values, strict=True):
            yield from _prefix(axis, value, what)
    else:
        found = f"{len(values)} entries" if isinstance(values, tuple | list) else f"a {type(values).__name__}"
        raise ShapeError(f"{what} {shown(axes)} does not have the form of what it is for: {found}", at=site(here()))


def _examples(leaves: list[Any], axes: list[Any]) -> tuple[list[tuple[Any, int | None]], int]:
    """The leaves with their axes, not negative, and the number of examples; TN802 where these differ."""
    out: list[tuple[Any, int | None]] = []
    counts: dict[int, str] = {}
    for x, axis in zip(leaves, axes, strict=True):
        if axis is None or not _maps(x):
            out.append((x, None))
            continue
        value = value_of(x)
        k = check_axis(axis, len(value.shape), "in_axes")
        counts.setdefault(value.shape[k], f"axis {k} of shape {list(value.shape)}")
        out.append((value, k))
    if len(counts) > 1:
        raise ShapeError(
            "the numbers of examples differ: " + ", ".join(f"{n} ({where})" for n, where in counts.items()),
            at=site(here()),
            help="every mapped axis must have one size; in_axes=None is for what is the same for all",
        )
    if not counts:
        raise ShapeError(
            "vmap has nothing to go over: no argument is a tensor with an axis of examples",
            at=site(here()),
            help="give in_axes an int for at least one argument",
        )
    return out, following(iter(counts))


def _returned(call: Call, out: Any, axes: list[Any]) -> Any:
    """The result of a call for all examples."""
    results: list[Any] = []
    places: list[int] = []
    for y, axis in zip(tree.leaves(out), axes, strict=True):
        if not isinstance(y, Tensor | int | float):
            raise DTypeError(f"a vmapped function returned a {type(y).__name__}, not a tensor", at=site(here()))
        value = value_of(y) if isinstance(y, Tensor) else tensor(y)
        if axis is not None:
            places.append(check_axis(axis, len(value.shape) + 1, "out_axes"))
        elif value._kind.level is call.level:
            raise VmapError(
                "a result with out_axes=None differs from example to example",
                at=site(here()),
                help="give it an axis, or reduce it over the examples after the call",
            )
        results.append(value)
    mapped = [y for y, axis in zip(results, axes, strict=True) if axis is not None]
    wide = iter(finish(call, mapped, tuple(places)))
    found = [y if axis is None else following(wide) for y, axis in zip(results, axes, strict=True)]
    return tree.rebuild(out, iter(found))
