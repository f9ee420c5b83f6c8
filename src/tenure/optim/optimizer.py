"""Base of optimizers: groups of parameters, state, and a step that seals the recorded trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import wraps
from itertools import chain
from threading import get_ident
from typing import Any, Self, TypeVar, cast, overload

from tenure.errors import DTypeError, GradientError, Site, StaleBorrowError, StateDictError, WriteError, shown
from tenure.optim import state
from tenure.optim.holding import begin, repeated
from tenure.optim.hooks import (
    ALL,
    Hooked,
    is_watched,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    replaced,
    watched,
)
from tenure.optim.options import Group, Params
from tenure.runtime.bracket import bracket
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.places.loans import UPDATING
from tenure.values.places.parameter import Parameter
from tenure.values.places.shared import Shared
from tenure.values.places.updates import are_held, gradients_of
from tenure.values.places.var import Var
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import GIL
from tenure.values.rules.modes import MODE, MODES, current_mode, enable_grad
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import check_methods, checked_first
from tenure.values.trace.given import flag
from tenure.values.trace.record import RECORDER

__all__ = [
    "Optimizer",
    "gradient_of",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

R = TypeVar("R")


class _Required:
    """Mark of an option that has no default."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
"""In the ``defaults`` of an optimizer: each group must say the option."""


class Optimizer(Hooked):
    """The base of optimizers. A subclass passes ``defaults`` on and defines ``update`` (or ``update_all``).

    ``params`` are places, pairs of a name and a place, or dicts with "params" and options of their own; a ``tn.Shared``
    that requires grad counts as a place.
    ``param_groups`` may be edited: a new learning rate compiles nothing. ``state`` maps a parameter to what is kept
    for it; the tensors in it are places that the optimizer owns.

    All parameters of a group are updated by one recorded step. PyTorch's options ``foreach``, ``fused`` and
    ``capturable``, which choose a way to run a step there, are kept in the groups and change nothing;
    ``differentiable=True`` is a ValueError, since a step is outside the graph.

    >>> class Descent(optim.Optimizer):
    ...     def update(self, p, grad, state, group):
    ...         p.sub_(group["lr"] * grad)
    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = Descent([w], {"lr": 0.1})
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    _opt_called = False
    """Whether there was a step since a scheduler of the learning rate was made."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_methods(cls, "__init__")
        if "step" in vars(cls):
            cls.step = _with_hooks(vars(cls)["step"])  # type: ignore[method-assign]

    @checked_first
    def __init__(self, params: Params, defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.state: dict[Any, Group] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._given: list[Site | None] = []
        if isinstance(cast(object, params), Tensor):
            raise TypeError("params: an optimizer takes a list of parameters: optim.SGD([w], lr=0.1)")
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("params: an optimizer got an empty list of parameters")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    @checked_first
    def add_param_group(self, param_group: Group) -> None:
        """Also update the "params" of a dict; its other options replace the optimizer's defaults.

        TN499 for a parameter that is here already, TN594 for a value, TN804 for a computed one.
        """
        group = {**param_group}
        group["params"], names = _parted(group["params"])
        at, new = site(here()), len(self.param_groups)
        if names:
            group["param_names"] = names
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            raise ValueError("param_group: either all groups of an optimizer have names for their parameters, or none")
        known = {id(p): (g, k) for g, held in enumerate(self.param_groups) for k, p in enumerate(held["params"])}
        for k, p in enumerate(group["params"]):
            _check_place(p)
            self._refuse(p, f"parameter {k} of group {new}")
            g, j = known.setdefault(id(p), (new, k))
            if (g, j) != (new, k):
                first = self._given[g] if g < new else at
                raise repeated(f"parameter {k} of group {new}", f"parameter {j} of group {g}", first)
        group |= {k: v for k, v in self.defaults.items() if k not in group}
        missing = [k for k, v in group.items() if v is required]
        if missing:
            raise ValueError(f"param_group: group {new} lacks {missing[0]!r}, which has no default")
        self._given.append(at)
        self.param_groups.append(group)

    def _refuse(self, p: Var, name: str) -> None:
        """Raise an error for a parameter that the optimizer does not take."""

    def parameters(self) -> Iterator[Var]:
        """The parameters of all groups."""
        return chain.from_iterable(g["params"] for g in self.param_groups)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or write zeros to them. DTypeError (TN802) for no bool."""
        drop = flag("zero_grad: set_to_none", set_to_none)
        for group in self.param_groups:
            for p in group["params"]:
                if drop:
                    p.grad = None
                elif (g := p.grad) is not None:
                    g.zero_()

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], R]) -> R: ...
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; what was recorded runs at the next read.

        ``closure`` computes the loss anew and calls backward; its result is returned. StaleBorrowError (TN597) if a
        module once held one of the parameters and none holds it now.
        """
        if (self._hooks is not None or ALL.steps or ALL.stepped) and is_watched(self):
            return watched(self, Optimizer.step, (self,) if closure is None else (self, closure), {})
        self._opt_called = True
        self._refuse_orphans()
        loss = None
        if closure is not None:
            if not callable(closure):
                raise DTypeError(f"step: closure is a function, not {shown(closure)}")
            loss = enable_grad().apply(closure)
        self._step()
        return loss

    def _step(self) -> None:
        """Update every parameter that has a gradient."""
        outer = RECORDER.site
        where, me = here() if outer is None else outer, get_ident()
        mode, mine = MODE.get(), UPDATING.get(me)
        last = (UPDATING.pop, me, None) if mine is None else (UPDATING.__setitem__, me, mine)
        enter = ((MODE.set, MODES[False, current_mode().eager]), (RECORDER.enter_site, where))
        bracket(enter, ((MODE.set, mode), (RECORDER.enter_site, outer), last), self._update_groups, me, where)
        RECORDER.seal()

    def _update_groups(self, me: int, where: CodeSite) -> None:
        if UPDATING or not GIL:
            begin(me, (self, where))
        else:  # no other thread begins between this look and the store
            UPDATING[me] = (self, where)
        for group in self.param_groups:
            self._update_group(group)

    def update(self, p: Var, grad: Tensor, state: Group, group: Group) -> None:
        """Write one parameter, outside the graph; ``grad`` is a value of its shape."""
        self.update_all([p], [grad], [state], group)

    def update_all(self, ps: list[Var], grads: list[Tensor], states: list[Group], group: Group) -> None:
        """Write the parameters of a group that have gradients: here one by one."""
        if type(self).update is Optimizer.update:
            raise NotImplementedError(f"{type(self).__name__} does not define update")
        for p, grad, held in zip(ps, grads, states, strict=True):
            self.update(p, grad, held, group)

    def _refuse_rows(self, group: Group) -> None:
        """Raise an error where a sparse gradient is not supported."""
        name = type(self).__name__
        raise GradientError(f"{name} does not support sparse gradients", help="SGD, Adagrad and SparseAdam take them")

    def _update_group(self, group: Group) -> None:
        found = gradients_of(group["params"])
        if found:
            if type(found[0]) is SparseRows:
                self._refuse_rows(group)
            self._update(list(group["params"]), found, group)
            return
        ps, grads, by_rows = [], [], []
        for p in group["params"]:
            g = gradient_of(p)
            if type(g) is SparseRows:
                by_rows.append((p, g))
            elif g is not None:
                ps.append(p)
                grads.append(g)
        if by_rows:
            self._refuse_rows(group)
        if ps:
            self._update(ps, grads, group)
        if by_rows:
            self._update([p for p, _ in by_rows], [g for _, g in by_rows], group)

    def _update(self, ps: list[Var], grads: list[Any], group: Group) -> None:
        state = self.state
        states = [state[p] for p in ps]
        if type(self).update is Optimizer.update:
            self.update_all(ps, grads, states, group)
        else:
            Optimizer.update_all(self, ps, grads, states, group)

    def _refuse_orphans(self) -> None:
        for g, group in enumerate(self.param_groups):
            for k, p in enumerate(() if are_held(group["params"]) else group["params"]):
                if isinstance(p, Parameter) and p.is_orphan():
                    raise StaleBorrowError(
                        f"parameter {k} of group {g}, of shape {list(p.shape)}, is held by no module now:"
                        " the update would reach no model",
                        at=site(here()),
                        help="make the optimizer after Module.to(dtype) and after replacing layers, and keep"
                        " the module; or put the parameter back",
                    )

    def state_dict(self) -> Group:
        """State and options as a dict with PyTorch's keys, parameters by number, tensors as values."""
        hooks = self._hooks
        for hook in list(hooks.saves.values()) if hooks is not None else ():
            hook(self)
        found = state.snapshot(self.param_groups, self.state, self._saved)
        return found if hooks is None else cast(Group, replaced(hooks.saved, self, found))

    @checked_first
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options; StateDictError, and nothing changed, if the groups differ."""
        hooks = self._hooks
        given = state_dict if hooks is None else replaced(hooks.loads, self, dict(state_dict))
        try:
            groups, found = state.restored(self.param_groups, given, self._restored)
        except KeyError as error:
            raise StateDictError(f"the state_dict has no {error.args[0]!r}") from None
        self.param_groups[:] = groups
        self.state.clear()
        self.state.update(found)
        for hook in list(hooks.loaded.values()) if hooks is not None else ():
            hook(self)

    def _saved(self, name: str, x: Any) -> Any:
        """A kept value as a state_dict has it."""
        return state.saved(x)

    def _restored(self, name: str, x: Any, p: Any) -> Any:
        """A kept value from that of a state_dict."""
        placed = state.placed(x, p.dtype)
        return Shared(placed) if isinstance(p, Shared) and isinstance(placed, Var) else placed

    def __copy__(self) -> Self:
        """An optimizer of the same parameters, whose options and state are its own."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        vars(twin).pop("_hooks", None)
        twin.param_groups = [{**group, "params": list(group["params"])} for group in self.param_groups]
        state = self.__getstate__()["state"]
        twin.state = defaultdict(dict, {p: {k: copy(x) for k, x in held.items()} for p, held in state.items()})
        return twin

    def __getstate__(self) -> dict[str, Any]:
        state = {p: {**held} for p, held in {**self.state}.items()}  # another thread may be in a step
        own = {k: v for k, v in vars(self).items() if k not in ("_hooks", "_scheduled_step")}
        return {**own, "state": defaultdict(dict, state)}

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines += [""] * (k > 0) + [f"Parameter Group {k}"]
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def gradient_of(p: Any) -> Any:
    """The value of a parameter's gradient, or None."""
    leaf = p._leaf
    if leaf is None:
        return None if p.grad is None else p.grad._read()
    grad = leaf.grad
    return None if grad is None else grad._read()


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step of a subclass, with the hooks around it."""

    @wraps(step)
    def call(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if is_watched(self):
            return watched(self, step, (self, *args), kwargs)
        return step(self, *args, **kwargs)

    return call


def _parted(params: Any) -> tuple[list[Any], list[str]]:
    """Parameters, and their names if they are pairs."""
    if isinstance(params, set | frozenset):
        raise TypeError("params: a set has no order that lasts: give a list of parameters")
    given = [params] if isinstance(params, Tensor) else list(params)
    names = [pair[0] for pair in given if isinstance(pair, tuple) and len(pair) == 2]
    if names and len(names) < len(given):
        raise ValueError("params: either all parameters of an optimizer have names, or none")
    return [pair[1] for pair in given] if names else given, names


def _check_place(p: Any) -> None:
    """Refuse parameters other than leaves and plain places."""
    if isinstance(p, Shared):
        if not p.requires_grad:
            message = "an optimizer was given a Shared that is no leaf"
            raise GradientError(message, help="tn.Shared(x, requires_grad=True)")
        return
    if not isinstance(p, Tensor):
        raise TypeError(f"params: an optimizer updates tensors, not {shown(p)}")
    if not isinstance(p, Var):
        raise WriteError(
            "an optimizer was given a value, which never changes",
            at=site(here()),
            help="make a leaf: tn.tensor(…, requires_grad=True), or nn.Parameter(x)",
        )
    if not p.is_leaf:
        raise GradientError("an optimizer was given a place that holds a computed value", at=site(here()))
