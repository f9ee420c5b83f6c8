"""Hooks of optimizers, and names of parameters."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tenure.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


class Own(optim.SGD):
    """With a step of its own."""

    def step(self, closure: Any = None) -> Any:
        return super().step(closure)


class Quiet(optim.LBFGS):
    """A subclass of one with a step of its own."""


def made(kind: Any = optim.SGD) -> Any:
    w = tn.ones(1, requires_grad=True)
    w.sum().backward()
    return kind([w], lr=0.1)


@pytest.mark.parametrize("kind", [optim.SGD, Own])
def test_hooks_are_called_around_a_step_once(kind: Any) -> None:
    optimizer, said = made(kind), []
    first = optimizer.register_step_pre_hook(lambda o, args, kwargs: said.append(("before", o is args[0], kwargs)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: said.append(("after", len(args))))
    with (
        register_optimizer_step_pre_hook(lambda *a: said.append("all before")),
        register_optimizer_step_post_hook(lambda *a: said.append("all after")),
    ):
        optimizer.step()
    assert said == ["all before", ("before", True, {}), ("after", 1), "all after"]
    first.remove()
    said.clear()
    optimizer.step(lambda: None)
    assert said == [("after", 2)]


def test_a_hook_changes_the_arguments() -> None:
    optimizer, called = made(), []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: called.append(1)), kwargs))
    optimizer.step()
    assert called == [1]
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(tn.errors.DTypeError, match="a hook before steps returns None or a pair"):
        optimizer.step()


def test_a_step_that_fails_leaves_hooks_as_they_were() -> None:
    optimizer, said = made(), []
    optimizer.register_step_post_hook(lambda *a: said.append(1))
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 // 0)
    optimizer.step()
    assert said == [1]


def test_hooks_of_a_step_with_many_evaluations_are_called_once() -> None:
    for kind in (optim.LBFGS, Quiet):
        w, said = tn.tensor([3.0], requires_grad=True), []
        optimizer = kind([w], line_search_fn="strong_wolfe")
        optimizer.register_step_pre_hook(lambda *a, said=said: said.append(1))

        def closure(w: Any = w, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        assert said == [1] and abs(w.item()) < 1e-3


def test_hooks_of_saving_and_loading() -> None:
    optimizer, said = made(), []
    optimizer.register_state_dict_pre_hook(lambda o: said.append("saves"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: said.append(sorted(state)), prepend=True)
    saved = optimizer.state_dict()
    assert saved["extra"] == 1 and said == ["saves", ["param_groups", "state"]]

    def load(o: Any, state: Any) -> Any:
        state["param_groups"] = [{**state["param_groups"][0], "lr": 0.5}]

    optimizer.register_load_state_dict_pre_hook(load)
    optimizer.register_load_state_dict_post_hook(lambda o: said.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert said[-1] == 0.5 and saved["param_groups"][0]["lr"] == 0.1


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_has_no_hooks(twin: Any) -> None:
    optimizer, said = made(), []
    optimizer.register_step_pre_hook(lambda *a: said.append(1))
    twin(optimizer).step()
    assert not said
    optimizer.step()
    assert said == [1]


def test_names_of_parameters() -> None:
    model = nn.Linear(2, 2)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == [model.weight, model.bias]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    more = nn.Parameter(tn.ones(1))
    with pytest.raises(ValueError, match="either all groups"):
        optimizer.add_param_group({"params": [more]})
    optimizer.add_param_group({"params": [("more", more)]})
    assert optimizer.param_groups[1]["param_names"] == ["more"]
    unnamed = optim.SGD(model.parameters(), lr=0.1)
    unnamed.load_state_dict(optim.SGD(model.named_parameters(), lr=0.1).state_dict())
    with pytest.raises(ValueError, match="either all parameters"):
        optim.SGD([("a", more), model.weight])
    with pytest.raises(TypeError, match="a set has no order"):
        optim.SGD([{"params": {more}}])


def test_an_option_without_a_default() -> None:
    w = tn.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="group 0 lacks 'lr', which has no default"):
        optim.Optimizer([w], {"lr": required})
    assert optim.Optimizer([{"params": [w], "lr": 0.1}], {"lr": required}).param_groups[0]["lr"] == 0.1
