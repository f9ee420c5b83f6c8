"""The first NaN or infinity is an error at the line that made it, forward or backward."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tenure.values.run.force import BEFORE_RUN


def leaf(*numbers: float) -> Any:
    """A differentiation leaf."""
    return tn.tensor(list(numbers), requires_grad=True)


def test_a_forward_operation_is_named_with_its_line() -> None:
    w = leaf(1.0, 0.0)
    said = "log made -inf of numbers that were finite"
    with pytest.raises(tn.AnomalyError, match=said) as caught, tn.detect_anomaly():
        y = w * 2
        z = y.log()  # here
        (z * 3).sum().item()
    assert "# here" in str(caught.value)


def test_a_gradient_is_named_with_what_it_reads() -> None:
    w = leaf(1.0, 0.0)
    with pytest.raises(tn.AnomalyError, match="in a gradient, divide made inf") as caught, tn.detect_anomaly():
        y = (w * 2).sqrt()  # root
        loss = (y * y).sum()
        loss.backward()  # walk
        w.grad.tolist()
    assert "# root" in str(caught.value) and "# walk" in str(caught.value)


def test_a_gradient_behind_a_read() -> None:
    w = leaf(0.0)
    with pytest.raises(tn.AnomalyError, match="in a gradient"), tn.detect_anomaly():
        loss = w.sqrt().sum()
        assert loss.item() == 0.0
        loss.backward()
        w.grad.tolist()


def test_printing_says_it_too() -> None:
    with tn.detect_anomaly():
        y = tn.zeros(1).log()
        with pytest.raises(tn.AnomalyError):
            repr(y)
        assert repr(y) == "tensor([-inf])"


def test_what_is_pending_is_computed_at_the_end() -> None:
    kept = []
    with pytest.raises(tn.AnomalyError, match="divide made nan"), tn.detect_anomaly():
        kept.append(tn.zeros(2) / tn.zeros(2))


def test_infinite_and_missing_numbers_that_were_given_are_none() -> None:
    with tn.detect_anomaly():
        mask = tn.tensor([[True, False], [True, True]])
        scores = tn.where(mask, tn.ones(2, 2), -math.inf)
        assert F.softmax(scores, -1).sum().item() == 2.0
        assert math.isnan((tn.tensor([math.nan, 1.0]) * 2)[0].item())
        assert F.binary_cross_entropy(tn.tensor([0.0, 1.0]), tn.tensor([1.0, 0.0])).item() == 100.0


def test_training_without_anomalies_is_the_same() -> None:
    def run(watched: bool) -> Any:
        tn.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
        opt = tn.optim.Adam(net.parameters(), lr=0.1)
        with tn.detect_anomaly(check_nan=watched):
            for _ in range(3):
                opt.zero_grad()
                net(tn.ones(5, 3) * tn.arange(5).unsqueeze(1)).square().mean().backward()
                opt.step()
        return [p.tolist() for p in net.parameters()]

    assert run(True) == run(False)


def test_the_switch() -> None:
    tn.autograd.set_detect_anomaly(True)
    with pytest.raises(tn.AnomalyError):
        tn.zeros(1).log().item()
    with tn.autograd.set_detect_anomaly(False):
        assert tn.zeros(1).log().item() == -math.inf
    with pytest.raises(tn.AnomalyError):
        tn.zeros(1).log().item()
    tn.autograd.set_detect_anomaly(False)
    assert tn.zeros(1).log().item() == -math.inf
    assert not BEFORE_RUN, "nobody looks any more"


@tn.detect_anomaly()
def watched(x: Any) -> Any:
    """A function whose operations are watched."""
    return x.log().item()


def test_a_decorated_function() -> None:
    assert watched(tn.ones(1)) == 0.0
    with pytest.raises(tn.AnomalyError):
        watched(tn.zeros(1))
