"""Functions with a derivative given by the user."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic

from tenure.errors import DTypeError, GradientError
from tenure.func import tree
from tenure.func.rules import Form, cotangents_of, innermost, rule_of_all
from tenure.func.signatures import P, R
from tenure.runtime.bracket import bracket
from tenure.values.grad.by_rule import Results, checked
from tenure.values.grad.residuals import Beginning
from tenure.values.grad.vmapped import select, waits_outside, widen
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.reading import value_of
from tenure.values.rules.modes import current_mode, is_grad_enabled, no_grad
from tenure.values.rules.rules import Level
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.record import RECORDER


class custom_vjp(Generic[P, R]):
    """A function with a derivative of one's own.

        @tn.custom_vjp
        def f(x, y): ...
        f.defvjp(forward, backward)

    ``forward(*args)`` gives ``(result, residuals)``; ``backward(residuals, g)`` gives a tuple with the
    cotangent of each argument, or None for one that has none. Arguments, result and residuals may be nested lists,
    tuples and dicts; a cotangent has the form of what it belongs to. ``backward`` runs once per backward, at that line,
    on values. For second derivatives what it records is differentiated with respect to ``g`` and to the residuals,
    as ``forward`` has computed them from the arguments; TN804 for a residual of which that is not known, because it is
    made of numbers that ``forward`` read, or is no tensor. Forward mode transposes the rule, which must be linear in
    ``g``.

    >>> @tn.custom_vjp
    ... def double(x):
    ...     return 2 * x
    >>> double.defvjp(lambda x: (2 * x, ()), lambda residuals, g: (100 * g,))
    >>> tn.grad(lambda x: double(x).sum())(tn.tensor([1.0, 2.0]))
    tensor([100., 100.])
    """

    @checked_first
    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._forward: Callable[..., Any] | None = None
        self._backward: Callable[..., Any] | None = None
        self._asks: Callable[[], bool] = lambda: False

    @checked_first
    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the rule: ``forward`` and ``backward``."""
        self._forward, self._backward = forward, backward

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """The result of the function."""
            return self._function(*args, **kwargs)

    else:

        def __call__(self, *args: Any) -> Any:
            if self._forward is None or self._backward is None:
                raise GradientError(
                    f"{self._function.__name__} has no rule", help="give it one with .defvjp(forward, backward)"
                )
            leaves = [value_of(x) if isinstance(x, Tensor) else x for x in tree.leaves(args)]
            tracked = [k for k, x in enumerate(leaves) if isinstance(x, Tensor) and x.requires_grad]
            if not tracked or not is_grad_enabled():
                return self._function(*args)
            level = innermost(leaves)
            if level is not None and waits_outside([leaves[k] for k in tracked], level):
                return self._of_all(args, leaves, level)
            run: Any = (RECORDER.hold_open, self._run) if current_mode().eager else (self._run,)
            return self._connect(args, leaves, tracked, *no_grad().apply(*run, args, leaves, tracked))

    def _run(self, args: tuple[Any, ...], leaves: list[Any], tracked: list[int]) -> tuple[Beginning, Any, Any]:
        """The begin of ``forward``, and what it gives, outside the graph. In eager mode it stays in one trace too."""
        assert self._forward is not None
        given = [detach(x) if k in tracked else x for k, x in enumerate(leaves)]
        begun = Beginning(RECORDER.trace, [given[k] for k in tracked])
        out, kept = self._forward(*tree.rebuild(args, iter(given)))
        return begun, out, kept

    def _of_all(self, args: tuple[Any, ...], leaves: list[Any], level: Level) -> Any:
        """The result for one example of a vmapped call, where the gradient will be that of all examples: the
        function and its rule are applied to all, and one is taken out."""
        assert self._forward is not None and self._backward is not None
        own = [isinstance(x, Tensor) and innermost([x]) is level for x in leaves]
        wide = list(widen([x for x, has in zip(leaves, own, strict=True) if has], level))
        twin = rule_of_all(self._like, *self._flat(args), own)
        call = RECORDER.vmap
        while call is not None and call.level is not level:
            call = call.outer
        given = [wide.pop(0) if has else x for x, has in zip(leaves, own, strict=True)]
        put, outer = vars(RECORDER).__setitem__, None if call is None else call.outer
        leave = ((put, "vmap", RECORDER.vmap), (put, "home", RECORDER.home))
        outside = twin("error" if call is None else call.randomness)
        out = bracket(((put, "vmap", outer), (put, "home", outer)), leave, outside, *given)
        return tree.map_leaves(lambda y: select(y, 0, level) if isinstance(y, Tensor) else y, out)

    def _like(self, function: Any) -> custom_vjp[Any, Any]:
        """A rule of another function that asks as this one does."""
        made = custom_vjp(function)
        made._asks = self._asks
        return made

    def _flat(self, args: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        """The function and its rule as those of the leaves of such arguments."""
        forward, backward, function, forms = self._forward, self._backward, self._function, tree.form(args)
        assert forward is not None and backward is not None

        def of(f: Any) -> Any:
            return functools.wraps(function)(lambda *leaves: f(*tree.rebuild(forms, iter(leaves))))

        return of(function), of(forward), lambda kept, g: tuple(cotangents_of(backward(kept, g), forms, function))

    def _connect(self, args: Any, leaves: list[Any], tracked: list[int], begun: Beginning, out: Any, kept: Any) -> Any:
        """The results, as those of a rule from which a gradient goes on to the arguments."""
        forms, function, found = tree.form(args), self._function, tree.leaves(out)
        wrong = next((type(y).__name__ for y in found if not isinstance(y, Tensor)), None)
        if wrong or not found:
            what = wrong or "nothing"
            raise DTypeError(f"custom_vjp functions give tensors, and {function.__name__} gave {what}", at=site(here()))
        results = Results([value_of(y) for y in found], function.__name__, self._asks())
        outs = tree.form(out)
        held = [value_of(x) if isinstance(x, Tensor) else x for x in tree.leaves(kept)]
        form, inputs = Form(kept, held), [leaves[k] for k in tracked]
        constants = [x for k, x in enumerate(leaves) if k not in tracked]
        residuals = [x for x in held if isinstance(x, Tensor)]
        handler, parts, read = results.connected(begun, inputs, constants, residuals, form.keeps())
        handler.name = function.__name__
        handler.unknown = handler.unknown or form.unknown(leaves, read)
        backward, avals = self._backward, [x._aval for x in inputs]
        assert backward is not None

        def rule(g: Any, tensors: Sequence[Any]) -> list[Any]:
            given = tree.rebuild(outs, iter(results.cotangents(g)))
            found = cotangents_of(backward(form.filled(tensors), given), forms, function)
            return [checked(found[k], aval) for k, aval in zip(tracked, avals, strict=True)]

        handler.rule = rule
        return tree.rebuild(out, iter(parts))


def ruled(
    function: Callable[..., Any], forward: Callable[..., Any], backward: Callable[..., Any], name: str,
    asks: Callable[[], bool],
) -> Callable[..., Any]:  # fmt: skip
    """A function with its rule, for who makes one at each call; ``asks`` says afterwards whether ``backward`` is given
    None for results that no cotangent comes to."""
    made = custom_vjp(lambda *args: function(*args))
    made._function.__name__ = made._function.__qualname__ = name
    made._forward, made._backward, made._asks = forward, backward, asks
    return made
