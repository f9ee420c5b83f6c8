"""An optimizer holds its parameters exclusively while it updates them."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tests.values.test_borrows import line
from tests.values.test_loans import refused


class Slow(optim.SGD):
    """Does something in the middle of an update."""

    between: Callable[[], Any]

    def update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
        super().update(p, grad, state, group)
        self.between()


def trained(model: Any) -> None:
    """Leave gradients."""
    model(tn.ones(1, 2)).sum().backward()


def elsewhere(act: Callable[[], Any]) -> list[Any]:
    """What an act in another thread raises."""
    found: list[Any] = []

    def work() -> None:
        try:
            act()
        except tn.TenureError as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found


def test_a_parameter_twice_names_both_places() -> None:
    w, v = tn.ones(1, requires_grad=True), tn.ones(1, requires_grad=True)
    with refused("TN499") as caught:
        optim.SGD([w, v, w], lr=0.1)
    assert "parameter 2 of group 0 is parameter 0 of group 0" in str(caught.value)
    optimizer = optim.SGD([v, w], lr=0.1)
    given = line(-1)
    with refused("TN499") as caught:
        optimizer.add_param_group({"params": [w]})
    assert (caught.value.at.line, caught.value.notes[0][1].line) == (line(-1), given)
    assert "parameter 0 of group 1 is parameter 1 of group 0" in str(caught.value)
    with pytest.raises(ValueError, match="more than once"):
        optim.SGD([w, w], lr=0.1)
    assert len(optimizer.param_groups) == 1
    for twin in (copy.copy(optimizer), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert repr(twin) == repr(optimizer)


def test_overlapping_steps_of_two() -> None:
    model = nn.Linear(2, 2)
    trained(model)
    one, other = Slow(model.parameters(), lr=0.1), optim.Adam([model.bias], lr=0.1)
    apart = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.1)
    found: list[Any] = []
    one.between = lambda: found.extend(elsewhere(other.step) + elsewhere(apart.step))
    one.step()
    stepped = line(-1)
    assert [e.code for e in found] == ["TN499", "TN499"]
    assert found[0].notes[0][1].line == stepped and "this step of Slow" in str(found[0])
    found.clear()

    def within() -> None:
        with pytest.raises(tn.BorrowError) as caught:
            other.step()
        found.append(caught.value.code)

    one.between = within
    one.step()
    assert set(found) == {"TN499"}
    other.step()


def test_what_is_updated_is_not_used_elsewhere() -> None:
    model = nn.Linear(2, 2)
    trained(model)
    optimizer, found = Slow([model.weight], lr=0.1), []
    free = nn.Linear(2, 2)

    def acts() -> None:
        for act in (
            lambda: model.weight.data.zero_(),
            lambda: model(tn.ones(1, 2)),
            lambda: model.load_state_dict(model.state_dict()),
            lambda: model.bias.data.zero_(),
            lambda: free(tn.ones(1, 2)),
        ):
            found.append([e.code for e in elsewhere(act)])

    optimizer.between = acts
    optimizer.step()
    assert found == [["TN503"], ["TN503"], ["TN503"], [], []]
    model(tn.ones(1, 2))


def test_a_closure_is_free() -> None:
    model = nn.Linear(2, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        model.weight.data.fill_(1.0)
        assert not elsewhere(lambda: model.weight.data.fill_(2.0))
        assert not elsewhere(lambda: model(tn.ones(1, 2)))
        loss = model(tn.ones(1, 2)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert model.weight.tolist() == [[pytest.approx(1.9)] * 2] * 2


def test_a_failing_update_ends_it() -> None:
    model = nn.Linear(2, 2)
    trained(model)
    optimizer = Slow(model.parameters(), lr=0.1)
    optimizer.between = lambda: 1 // 0
    with pytest.raises(ZeroDivisionError):
        optimizer.step()
    optimizer.between = lambda: None
    assert not elsewhere(optimizer.step)


@pytest.mark.parametrize("kind", ["borrow", "borrow_mut"])
def test_what_is_lent_is_not_updated(kind: str) -> None:
    model = nn.Linear(2, 2)
    trained(model)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with getattr(model.weight, kind)(), refused("TN506" if kind == "borrow" else "TN503"):
        optimizer.step()
    optimizer.step()


FORK = """
import os, threading, tenure as tn
from tenure import nn, optim
inside, done = threading.Event(), threading.Event()
class Slow(optim.SGD):
    def update(self, p, grad, state, group):
        inside.set()
        done.wait(30)
model = nn.Linear(1, 1)
model(tn.ones(1, 1)).sum().backward()
thread = threading.Thread(target=Slow(model.parameters(), lr=0.1).step)
thread.start()
inside.wait(30)
child = os.fork()
if child == 0:
    model.weight.data.zero_()
    model(tn.ones(1, 1))
    os._exit(0)
print(os.waitpid(child, 0)[1])
done.set()
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_no_part_in_updates_of_other_threads() -> None:
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, check=False)
    assert ran.stdout == "0\n", ran.stderr
