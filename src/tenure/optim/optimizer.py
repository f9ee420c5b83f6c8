"""Base of optimizers: groups of parameters, state, and a step that seals the recorded trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from itertools import chain
from threading import get_ident
from typing import Any, ClassVar, Self, TypeVar, cast, overload

from tenure.errors import DTypeError, GradientError, Site, StaleBorrowError, StateDictError, WriteError, shown
from tenure.optim import state
from tenure.optim.holding import begin, repeated
from tenure.runtime.bracket import bracket
from tenure.values.places.loans import UPDATING
from tenure.values.places.parameter import Parameter
from tenure.values.places.var import Var
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import GIL
from tenure.values.rules.modes import MODE, MODES, current_mode, enable_grad
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import check_methods, checked_first
from tenure.values.trace.record import RECORDER

Group = dict[str, Any]
R = TypeVar("R")


class Optimizer:
    """The base of optimizers. A subclass passes ``defaults`` on and defines ``update`` (or ``update_all``).

    ``params`` are places, or dicts with "params" and options of their own. ``param_groups`` may be edited: a
    new learning rate compiles nothing. ``state`` maps a parameter to what is kept for it; the tensors in it
    are places that the optimizer owns.

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

    squares: ClassVar[bool] = False
    """Whether steps depend on squares of gradients, which complex ones have by parts."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_methods(cls, "__init__")

    @checked_first
    def __init__(self, params: Iterable[Var | Group], defaults: Mapping[str, Any]) -> None:
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
        params = group["params"]
        group["params"] = [params] if isinstance(params, Tensor) else list(params)
        at, new = site(here()), len(self.param_groups)
        known = {id(p): (g, k) for g, held in enumerate(self.param_groups) for k, p in enumerate(held["params"])}
        for k, p in enumerate(group["params"]):
            _check_place(p)
            if self.squares and p.dtype.is_complex:
                raise DTypeError(
                    f"{type(self).__name__} squares gradients, part by part, and parameter {k} is {p.dtype.name}",
                    help="give its parts: p = nn.Parameter(tn.view_as_real(z)), and tn.view_as_complex(p) in the model",
                )
            g, j = known.setdefault(id(p), (new, k))
            if (g, j) != (new, k):
                first = self._given[g] if g < new else at
                raise repeated(f"parameter {k} of group {new}", f"parameter {j} of group {g}", first)
        self._given.append(at)
        self.param_groups.append({**group, **{k: v for k, v in self.defaults.items() if k not in group}})

    def parameters(self) -> Iterator[Var]:
        """The parameters of all groups."""
        return chain.from_iterable(g["params"] for g in self.param_groups)

    @checked_first
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or write zeros to them."""
        for p in self.parameters():
            if set_to_none:
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
        self._refuse_orphans()
        loss = None
        if closure is not None:
            if not callable(closure):
                raise DTypeError(f"step: closure is a function, not {shown(closure)}")
            loss = enable_grad().apply(closure)
        outer = RECORDER.site
        where, me = here() if outer is None else outer, get_ident()
        mode, mine = MODE.get(), UPDATING.get(me)
        last = (UPDATING.pop, me, None) if mine is None else (UPDATING.__setitem__, me, mine)
        enter = ((MODE.set, MODES[False, current_mode().eager]), (RECORDER.enter_site, where))
        bracket(enter, ((MODE.set, mode), (RECORDER.enter_site, outer), last), self._update_groups, me, where)
        RECORDER.seal()
        return loss

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

    def _update_group(self, group: Group) -> None:
        ps, grads = [], []
        for p in group["params"]:
            g = gradient_of(p)
            if g is not None:
                ps.append(p)
                grads.append(g)
        if not ps:
            return
        states = [self.state[p] for p in ps]
        if type(self).update is Optimizer.update:
            self.update_all(ps, grads, states, group)
        else:
            Optimizer.update_all(self, ps, grads, states, group)

    def _refuse_orphans(self) -> None:
        for g, group in enumerate(self.param_groups):
            for k, p in enumerate(group["params"]):
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
        return state.snapshot(self.param_groups, self.state)

    @checked_first
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options; StateDictError, and nothing changed, if the groups differ."""
        try:
            groups, found = state.restored(self.param_groups, state_dict)
        except KeyError as error:
            raise StateDictError(f"the state_dict has no {error.args[0]!r}") from None
        self.param_groups[:] = groups
        self.state.clear()
        self.state.update(found)

    def __copy__(self) -> Self:
        """An optimizer of the same parameters, whose options and state are its own."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin.param_groups = [{**group, "params": list(group["params"])} for group in self.param_groups]
        state = self.__getstate__()["state"]
        twin.state = defaultdict(dict, {p: {k: copy(x) for k, x in held.items()} for p, held in state.items()})
        return twin

    def __getstate__(self) -> dict[str, Any]:
        state = {p: {**held} for p, held in {**self.state}.items()}  # another thread may be in a step
        return {**vars(self), "state": defaultdict(dict, state)}

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def gradient_of(p: Any) -> Any:
    """The value of a parameter's gradient, or None."""
    if p._leaf is not None:
        return None if p._leaf.grad is None else p._leaf.grad._read()
    return None if p.grad is None else p.grad.value


def _check_place(p: Any) -> None:
    """Refuse parameters other than leaves and plain places."""
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


def check_options(**options: tuple[Any, bool]) -> None:
    """ValueError for the first option whose condition does not hold."""
    for name, (value, valid) in options.items():
        if not valid:
            raise ValueError(f"invalid {name}: {shown(value)}")
