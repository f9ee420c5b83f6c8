"""Functions of nn.functional and their modules: numbers at the edges, and what is refused."""

import math
from typing import Any

import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tenure.values.run.force import COUNTS


def test_softmax_is_stable() -> None:
    x = tn.tensor([[1000.0, 1000.0, -1000.0], [-1e30, 0.0, 1.0]])
    assert F.softmax(x, dim=1)[0].tolist() == [0.5, 0.5, 0.0]
    logs = F.log_softmax(x, -1)
    assert logs[0, 0].item() == pytest.approx(-math.log(2))
    assert logs[0, 2].item() == pytest.approx(-2000 - math.log(2))
    assert F.softmax(x, axis=0).sum(axis=0).tolist() == [1.0, 1.0, 1.0]
    assert F.softmax(tn.tensor([1, 2]), 0, dtype=tn.float64).dtype is tn.float64
    with pytest.raises(TypeError, match="give dim"):
        F.softmax(x)
    with pytest.raises(tn.DTypeError, match="softmax of int64"):
        F.softmax(tn.tensor([1, 2]), 0)
    with pytest.raises(tn.OutOfRange, match="axis 2 is out of range"):
        F.softmax(x, dim=2)


def test_the_gradient_of_softmax_with_equal_maxima() -> None:
    x = tn.tensor([[2.0, 2.0, 1.0]], requires_grad=True)
    F.log_softmax(x, 1)[0, 0].backward()
    p = F.softmax(x.detach(), 1)
    assert x.grad.tolist()[0] == pytest.approx([1 - p[0, 0].item(), -p[0, 1].item(), -p[0, 2].item()], rel=1e-6)


def test_cross_entropy_far_from_the_target() -> None:
    x = tn.tensor([[1e4, 0.0], [0.0, 1e4]], requires_grad=True)
    loss = F.cross_entropy(x, tn.tensor([1, 1]))
    assert loss.item() == 5000.0
    loss.backward()
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_an_ignored_target_may_have_any_loss() -> None:
    x = tn.tensor([[-math.inf, 0.0], [1.0, 1.0]], requires_grad=True)
    loss = F.cross_entropy(x, tn.tensor([0, 1]), ignore_index=0)
    assert loss.item() == pytest.approx(math.log(2))
    assert math.isnan(F.cross_entropy(tn.zeros(2, 3), tn.tensor([-100, -100])).item())


@pytest.mark.parametrize("target", [3, -1])
def test_a_target_outside_the_classes(target: int) -> None:
    loss = F.cross_entropy(tn.zeros(2, 3), tn.tensor([0, target]))  # the user's line
    with pytest.raises(tn.OutOfRange, match="TN801") as caught:
        loss.item()
    assert "# the user's line" in str(caught.value)


def test_refused_targets() -> None:
    x = tn.zeros(4, 3)
    with pytest.raises(tn.ShapeError, match=r"input of shape \[4, 3\] .* \[4\], not \[3\]"):
        F.cross_entropy(x, tn.zeros(3).long())
    with pytest.raises(tn.DTypeError, match="class indices of dtype float32"):
        F.cross_entropy(x, tn.zeros(4))
    with pytest.raises(tn.ShapeError, match=r"weight of shape \[2\] for 3 classes"):
        F.cross_entropy(x, tn.zeros(4).long(), tn.ones(2))
    with pytest.raises(ValueError, match="reduction is 'mean', 'sum' or 'none', not 'avg'"):
        F.cross_entropy(x, tn.zeros(4).long(), reduction="avg")
    with pytest.raises(ValueError, match="label_smoothing"):
        F.cross_entropy(x, tn.zeros(4).long(), label_smoothing=2.0)
    with pytest.raises(tn.ShapeError, match=r"mse_loss: input of shape \[4, 1\], target of shape \[4\]"):
        F.mse_loss(tn.zeros(4, 1), tn.zeros(4))
    with pytest.raises(tn.ShapeError, match="0-dimensional"):
        F.cross_entropy(tn.tensor(1.0), tn.tensor(0))


def test_one_hot() -> None:
    assert F.one_hot(tn.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(tn.tensor(1), 2).tolist() == [0, 1]
    assert F.one_hot(tn.tensor([[0], [1]]), 3).shape == (2, 1, 3)
    for bad in (2, -1):
        with pytest.raises(tn.OutOfRange, match="TN801"):
            F.one_hot(tn.tensor([0, bad]), 2).tolist()
    with pytest.raises(tn.DTypeError, match="one_hot of float32"):
        F.one_hot(tn.ones(2))


def test_dropout() -> None:
    tn.manual_seed(0)
    x = tn.ones(10_000, requires_grad=True)
    y = F.dropout(x, 0.25)
    assert sorted(set(y.tolist())) == pytest.approx([0.0, 4 / 3])
    assert y.mean().item() == pytest.approx(1, abs=0.03)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()
    assert F.dropout(x, 0.5, training=False) is x.value
    assert F.dropout(x, 0.0) is x.value
    assert F.dropout(x, 1.0).abs().sum().item() == 0
    assert F.dropout(tn.tensor([math.inf] * 100), 0.5).isnan().any().item() is False
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.Dropout(1.5)
    layer = nn.Dropout(0.5).eval()
    assert layer(x) is x.value


def test_dropout_builds_no_programs() -> None:
    tn.manual_seed(0)
    layer, x, counts = nn.Dropout(0.3), tn.ones(9), []
    for _ in range(10):
        layer(x).sum().item()
        counts.append(COUNTS["programs"])
    assert counts[3] == counts[-1]


def test_linear_shapes() -> None:
    layer = nn.Linear(3, 2)
    assert layer(tn.ones(3)).shape == (2,)
    assert layer(tn.ones(5, 3)).shape == (5, 2)
    assert layer(tn.ones(4, 5, 3)).shape == (4, 5, 2)
    assert layer(tn.ones(0, 3)).shape == (0, 2)
    assert nn.Linear(3, 2, dtype=tn.float64).weight.dtype is tn.float64
    assert nn.Linear(3, 2, bias=False).bias is None
    with pytest.raises(tn.ShapeError, match=r"linear: input of shape \[4\] and weight of shape \[2, 3\]"):
        layer(tn.ones(4))


def test_initialization() -> None:
    tn.manual_seed(0)
    layer = nn.Linear(100, 50)
    for p in layer.parameters():
        assert 0.09 < p.detach().abs().max().item() <= 0.1
    w = nn.Parameter(tn.zeros(200, 300))
    bounds: list[tuple[Any, float]] = [
        (lambda: nn.init.uniform_(w, -2, 3), 3),
        (lambda: nn.init.xavier_uniform_(w, gain=2.0), 2 * math.sqrt(6 / 500)),
        (lambda: nn.init.kaiming_uniform_(w, nonlinearity="relu"), math.sqrt(6 / 300)),
        (lambda: nn.init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu"), math.sqrt(6 / 200)),
        (lambda: nn.init.constant_(w, 0.5), 0.5),
        (lambda: nn.init.ones_(w), 1.0),
    ]
    for write, bound in bounds:
        assert write() is w
        assert w.detach().abs().max().item() == pytest.approx(bound, rel=0.01)
        assert w.requires_grad
    nn.init.normal_(w, mean=1.0, std=0.1)
    assert w.detach().mean().item() == pytest.approx(1, abs=0.01)
    assert nn.init.zeros_(w).detach().abs().sum().item() == 0
    with pytest.raises(tn.WriteError, match="TN594: init writes a place"):
        nn.init.zeros_(tn.zeros(2))
    with pytest.raises(tn.ShapeError, match="need two axes"):
        nn.init.kaiming_uniform_(nn.Parameter(tn.zeros(3)))
    with pytest.raises(ValueError, match="unsupported nonlinearity"):
        nn.init.calculate_gain("nothing")


def test_reproducible_models() -> None:
    def build() -> list[Any]:
        tn.manual_seed(3)
        return [p.tolist() for p in nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).parameters()]

    assert build() == build()

