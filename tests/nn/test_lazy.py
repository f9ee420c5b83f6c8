"""Lazy layers: places without a shape, and what becomes of them."""

import copy
import pickle
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim


def alike(x: Any, y: Any) -> bool:
    return x.shape == y.shape and bool((x == y).all())


def lazy_net() -> Any:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))


def plain_net() -> Any:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def test_a_lazy_net_is_the_ordinary_one_after_its_first_call() -> None:
    net, x = lazy_net(), tn.rand(2, 3, 4, 4)
    before = list(net.parameters())
    tn.manual_seed(1)
    net(x)
    tn.manual_seed(1)
    plain = plain_net()
    assert repr(net) == repr(plain)
    assert [type(m) for m in net] == [type(m) for m in plain]
    assert all(p is q for p, q in zip(before, net.parameters(), strict=True))
    assert list(net.state_dict()) == list(plain.state_dict())
    assert all(alike(p, q) for p, q in zip(net.parameters(), plain.parameters(), strict=True))


def test_an_optimizer_made_before_updates_the_parameters() -> None:
    net, x = nn.LazyLinear(2), tn.ones(1, 3)
    opt = optim.SGD(net.parameters(), lr=0.5)
    opt.step()
    net(x).sum().backward()
    before = net.weight.detach()
    opt.step()
    assert alike(net.weight, before - 0.5)


@pytest.mark.parametrize("of", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_waits_by_itself(of: Any) -> None:
    net, x = lazy_net(), tn.rand(2, 3, 4, 4)
    twin = of(net)
    net(x)
    assert type(twin[0]) is nn.LazyConv2d and repr(twin[0].weight) == "<UninitializedParameter>"
    twin.load_state_dict(net.state_dict())
    assert type(twin[0]) is nn.LazyConv2d and twin[0].weight.shape == (4, 3, 3, 3)
    assert alike(twin.eval()(x), net.eval()(x)) and type(twin[0]) is nn.Conv2d


def test_state_dicts_of_what_waits() -> None:
    layer = nn.LazyLinear(2)
    assert repr(layer.state_dict()["weight"]) == "<UninitializedParameter>"
    assert not any(layer.load_state_dict(nn.LazyLinear(2).state_dict()))
    with pytest.raises(tn.StateDictError, match=r"weight has no shape in the state_dict"):
        nn.Linear(3, 2).load_state_dict(layer.state_dict())
    layer.load_state_dict({"weight": tn.ones(2, 3), "bias": tn.zeros(2)})
    with pytest.raises(tn.ShapeError, match=r"input of shape \[1, 4\], and weight has been loaded with shape \[2, 3\]"):
        layer(tn.ones(1, 4))
    assert layer(tn.ones(1, 3)).tolist() == [[3.0, 3.0]] and layer.in_features == 3


def test_a_dtype_and_a_freeze_are_kept() -> None:
    net = lazy_net().double().requires_grad_(False)
    net(tn.rand(2, 3, 4, 4, dtype=tn.float64))
    assert {p.dtype for p in net.parameters()} == {tn.float64} and net[1].running_var.dtype is tn.float64
    assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("use", [lambda p: p + 1, lambda p: p.shape, lambda p: p.add_(1), lambda p: p.numpy(), len])
def test_what_has_no_shape_is_not_used(use: Any) -> None:
    with pytest.raises(tn.ShapeError, match=r"UninitializedParameter has no shape before the first call"):
        use(nn.LazyLinear(2).weight)


def test_a_call_that_fails_leaves_the_layer_waiting() -> None:
    for layer, wrong in (
        (nn.LazyConv2d(4, 3, groups=2), (1, 3, 5, 5)),
        (nn.LazyConv2d(4, 3), (5, 5)),
        (nn.LazyLinear(4), ()),
        (nn.LazyBatchNorm1d(), (3,)),
        (nn.LazyInstanceNorm2d(affine=True), (3,)),
    ):
        with pytest.raises(tn.ShapeError):
            layer(tn.zeros(*wrong))
        assert type(layer).__name__.startswith("Lazy") and layer.has_uninitialized_params()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_example_without_a_batch(n: int) -> None:
    x = tn.rand(3, *[4] * n)
    for layer in (getattr(nn, f"LazyConv{n}d")(2, 2), getattr(nn, f"LazyConvTranspose{n}d")(2, 2)):
        assert layer(x).shape[0] == 2 and layer.in_channels == 3
    norm = getattr(nn, f"LazyInstanceNorm{n}d")(affine=True)
    assert norm(x).shape == x.shape and norm.num_features == 3


def test_places_become_places() -> None:
    p = nn.UninitializedParameter(requires_grad=False, dtype=tn.float64)
    p.materialize((2, 3))
    assert type(p) is nn.Parameter and p.dtype is tn.float64 and not p.requires_grad and p.shape == (2, 3)
    b = copy.copy(nn.UninitializedBuffer(persistent=False))
    b.materialize(2, dtype=tn.int64)
    assert type(b) is nn.Buffer and not b.persistent and b.dtype is tn.int64
    with pytest.raises(tn.ShapeError, match=r"sizes are not negative"):
        nn.UninitializedParameter().materialize((-1,))
    with pytest.raises(ValueError, match=r"requires_grad"):
        nn.UninitializedBuffer(requires_grad=True)
