"""Modules lend their parameters as shared while their forward runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tests.values.test_borrows import line
from tests.values.test_loans import refused


class Model(nn.Module):
    """Counts its calls in a buffer, and does what it is told in its forward."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.scale = nn.Parameter(tn.ones(2))
        self.register_buffer("calls", tn.zeros(()))
        self.act: Callable[[Any], Any] = lambda model: None
        self.lazy: Any = None

    def forward(self, x: Any) -> Any:
        self.calls += 1
        y = self.inner(x)
        self.act(self)
        return y * self.scale


WRITES: list[Callable[[Any], Any]] = [
    lambda m: m.scale.data.zero_(),
    lambda m: m.inner.weight.data[0].fill_(1.0),
    lambda m: setattr(m.scale, "data", tn.zeros(2)),
    lambda m: m.scale.requires_grad_(False),
    lambda m: nn.init.zeros_(m.inner.bias),
    lambda m: setattr(m, "scale", nn.Parameter(tn.zeros(2))),
    lambda m: setattr(m, "scale", None),
    lambda m: delattr(m.inner, "weight"),
    lambda m: m.load_state_dict(m.state_dict()),
    lambda m: m.load_state_dict(m.state_dict(), assign=True),
    lambda m: m.double(),
    lambda m: optim.SGD(m.parameters(), lr=1.0).step(),
]


def test_a_forward_may_write_its_buffers() -> None:
    model = Model()
    for _ in range(3):
        model(tn.ones(1, 2)).sum().backward()
    assert model.calls.item() == 3.0


@pytest.mark.parametrize("write", WRITES)
def test_a_forward_does_not_write_parameters(write: Callable[[Any], Any]) -> None:
    model = Model()
    model(tn.ones(1, 2)).sum().backward()
    before = {k: v.tolist() for k, v in model.state_dict().items() if k != "calls"}
    model.act = write
    with refused("TN506") as caught:
        model(tn.ones(1, 2))
    called = line(-1)
    assert caught.value.notes[0][1].line == called and "forward of Model" in str(caught.value)
    assert {k: v.tolist() for k, v in model.state_dict().items() if k != "calls"} == before
    write(model)


def test_the_innermost_module_that_lends_it_is_named() -> None:
    model = Model()
    model.inner.forward = lambda x: model.inner.weight.data.zero_()  # type: ignore[method-assign]
    with refused("TN506") as caught:
        model(tn.ones(1, 2))
    assert "forward of Linear" in str(caught.value) and "y = self.inner(x)" in str(caught.value)


def test_a_module_that_is_no_child_lends_too() -> None:
    model, other = Model(), nn.Linear(1, 1)
    other.forward = lambda x: other.weight.data.zero_()  # type: ignore[method-assign]
    model.act = lambda m: other(tn.ones(1, 1))
    with refused("TN506"):
        model(tn.ones(1, 2))
    model.act = lambda m: nn.Linear(1, 1).weight.data.zero_()
    model(tn.ones(1, 2))


def test_parameters_made_in_the_forward_are_not_lent() -> None:
    def build(m: Model) -> None:
        if m.lazy is None:
            m.lazy = nn.Linear(3, 3)
            nn.init.ones_(m.lazy.weight)

    model = Model()
    model.act = build
    model(tn.ones(1, 2))
    model.act = lambda m: m.lazy.weight.data.zero_()
    with refused("TN506"):
        model(tn.ones(1, 2))
    assert model.lazy.weight.sum().item() == 9.0


def test_a_loan_of_ones_own_forbids_replacing() -> None:
    layer = nn.Linear(1, 1)
    with layer.weight.borrow(), refused("TN506"):
        layer.weight = nn.Parameter(tn.ones(1, 1))
    with layer.weight.borrow_mut() as w, refused("TN503"):
        layer.weight = nn.Parameter(w)
    layer.weight = nn.Parameter(tn.ones(1, 1))


@pytest.mark.parametrize("assign", [False, True])
def test_nothing_is_loaded_while_one_parameter_is_lent(assign: bool) -> None:
    model = Model()
    zeros = {key: tn.zeros(*x.shape) for key, x in model.state_dict().items()}
    before = repr(model.state_dict())
    with model.inner.bias.borrow(), refused("TN506"):
        model.load_state_dict(zeros, assign=assign)
    assert repr(model.state_dict()) == before
    model.load_state_dict(zeros, assign=assign)
    assert model.scale.tolist() == [0.0, 0.0]


def test_an_exception_ends_it() -> None:
    model = Model()
    model.act = lambda m: 1 // 0
    with pytest.raises(ZeroDivisionError):
        model(tn.ones(1, 2))
    model.scale.data.zero_()


def test_another_threads_write_is_refused() -> None:
    model, inside, done, found = Model(), threading.Event(), threading.Event(), []

    def wait(m: Model) -> None:
        inside.set()
        assert done.wait(30)

    def work() -> None:
        assert inside.wait(30)
        for write in (lambda: model.scale.data.zero_(), lambda: model.inner.weight.data.zero_()):
            with pytest.raises(tn.BorrowError) as caught:
                write()
            found.append(caught.value.code)
        nn.Parameter(tn.ones(1)).data.zero_()
        done.set()

    model.act = wait
    thread = threading.Thread(target=work)
    thread.start()
    model(tn.ones(1, 2))
    thread.join()
    model.scale.data.zero_()
    assert found == ["TN506", "TN506"]
