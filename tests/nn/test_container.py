"""Containers of modules and of parameters, and buffers that say so."""

import copy
import pickle
from typing import Any

import pytest

import tenure as tn
from tenure import nn


def alike(x: Any, y: Any) -> bool:
    return x.shape == y.shape and bool((x == y).all())


def names(modules: Any) -> list[str]:
    return [type(m).__name__ for m in modules]


def seq(*kinds: str) -> Any:
    return nn.Sequential(*[getattr(nn, kind)() for kind in kinds])


def test_sequential_is_a_list() -> None:
    net = seq("ReLU", "Tanh")
    assert names(net + seq("SELU")) == ["ReLU", "Tanh", "SELU"]
    assert names(net * 2) == names(2 * net) == ["ReLU", "Tanh", "ReLU", "Tanh"]
    assert net.insert(1, nn.SELU()) is net and names(net) == ["ReLU", "SELU", "Tanh"]
    assert names(net.insert(-1, nn.GELU())) == ["ReLU", "SELU", "GELU", "Tanh"]
    assert type(net.pop(2)) is nn.GELU and type(net.pop(-1)) is nn.Tanh
    assert [n for n, _ in net.named_children()] == ["0", "1"]
    net += [nn.Tanh()]
    net *= 2
    assert names(net) == ["ReLU", "SELU", "Tanh"] * 2
    assert names(net.extend(seq("GELU")).pop(slice(1, 6))) == ["SELU", "Tanh", "ReLU", "SELU", "Tanh"]
    assert names(net) == ["ReLU", "GELU"] and names(net.extend(net)) == ["ReLU", "GELU"] * 2
    for wrong in (lambda: net.insert(9, nn.ReLU()), lambda: net.pop(9)):
        with pytest.raises(tn.OutOfRange):
            wrong()
    for wrong in (lambda: net + [nn.ReLU()], lambda: net * 1.5, lambda: net.insert(0, 5)):  # noqa: RUF005
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="1 or more, not 0"):
        net * 0
    assert len(net) == 4


def test_module_list_is_a_list() -> None:
    layers: Any = nn.ModuleList([nn.ReLU()])
    assert names(layers + [nn.Tanh()]) == ["ReLU", "Tanh"] and len(layers) == 1  # noqa: RUF005
    layers += [nn.Tanh()]
    layers.insert(9, nn.SELU())
    assert names(layers) == ["ReLU", "Tanh", "SELU"] and type(layers.pop(0)) is nn.ReLU
    assert list(layers._modules) == ["0", "1"]
    with pytest.raises(tn.DTypeError, match=r"ModuleList: .*, not 5"):
        layers.extend(5)


def test_parameter_lists() -> None:
    held: Any = nn.ParameterList([tn.ones(2), nn.Parameter(tn.ones(2, 3)), "note"])
    assert [n for n, _ in held.named_parameters()] == ["0", "1"] and held[2] == "note"
    assert isinstance(held[-3], nn.Parameter) and held[1:][0] is held[1]
    held += [tn.zeros(1)]
    held[0] = tn.zeros(3)
    assert len(held) == 4 and held[0].shape == (3,) and [x is held[k] for k, x in enumerate(held)] == [True] * 4
    assert "(1): Parameter containing: [tenure.float32 of size 2x3]" in repr(held)
    net = nn.Sequential(nn.Linear(1, 1))
    net.scales = held
    assert "scales.3" in net.state_dict()
    with pytest.raises(tn.OutOfRange, match=r"ParameterList: index 9 is out of range for 4"):
        held[9]
    with pytest.raises(TypeError, match="is not called"):
        held(1)
    with pytest.raises(tn.DTypeError, match="list of tensors"):
        nn.ParameterList(tn.ones(2))


def test_parameter_dicts() -> None:
    held: Any = nn.ParameterDict({"b": tn.ones(2), "note": 5})
    held["a"] = tn.zeros(3)
    assert list(held) == list(held.keys()) == ["b", "note", "a"] and list(reversed(held)) == ["a", "note", "b"]
    assert [n for n, _ in held.named_parameters()] == ["b", "a"] and held.get("c", 7) == 7 and "c" not in held
    twin = copy.copy(held)
    assert twin.pop("note") == 5 and len(twin) == 2 and len(held) == 3 and held.copy()["a"] is held["a"]
    assert twin.popitem()[0] == "a" and list(held | {"c": 1}) == ["b", "note", "a", "c"]
    assert held.setdefault("d", tn.ones(1)) is held["d"] and list(held.fromkeys(["x", "y"])) == ["x", "y"]
    assert list(pickle.loads(pickle.dumps(held))) == list(held)
    held.values()  # a name that is that of a method is a name
    held["values"] = tn.ones(1)
    assert held["values"].tolist() == [1.0]
    held.clear()
    assert not len(held) and not list(held.parameters())
    for wrong in (lambda: held["q"], lambda: held.pop("q"), lambda: held.popitem()):
        with pytest.raises(KeyError):
            wrong()
    for wrong in (lambda: held[1], lambda: nn.ParameterDict([1]), lambda: held.update({1: 2})):
        with pytest.raises(TypeError):
            wrong()


def test_buffers_that_say_so() -> None:
    net: Any = nn.Module()
    net.mean, net.scratch = nn.Buffer(tn.zeros(2)), nn.Buffer(tn.ones(1), persistent=False)
    assert [n for n, _ in net.named_buffers()] == ["mean", "scratch"] and list(net.state_dict()) == ["mean"]
    assert isinstance(net.mean, nn.Buffer) and not net.mean.requires_grad
    for twin in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert list(twin.state_dict()) == ["mean"] and not twin.scratch.persistent and twin.mean is not net.mean
    net.mean += 1.0
    assert net.mean.tolist() == [1.0, 1.0] and (net.mean * 2).tolist() == [2.0, 2.0]
    net.scratch = tn.zeros(3)
    assert list(net.state_dict()) == ["mean"] and net.scratch.shape == (3,)
    net.scratch = nn.Buffer(tn.zeros(3))
    assert list(net.state_dict()) == ["mean", "scratch"]
    net.other = 1
    with pytest.raises(KeyError, match="'other' already exists"):
        net.other = nn.Buffer(tn.ones(1))
    assert nn.Buffer().shape == (0,)


def test_parts_by_path() -> None:
    net: Any = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2)))
    assert net.get_parameter("0.weight") is net[0].weight and net.get_buffer("1.0.running_var") is net[1][0].running_var
    net.set_submodule("1.0", nn.Tanh())
    net.set_submodule("1.new", nn.ReLU())
    assert names(net[1]) == ["Tanh", "ReLU"]
    for wrong in (
        lambda: net.get_parameter("0.wait"), lambda: net.get_buffer("0.weight"), lambda: net.get_parameter("9.weight"),
        lambda: net.set_submodule("1.other", nn.ReLU(), strict=True), lambda: net.set_submodule("0.weight", nn.ReLU()),
    ):  # fmt: skip
        with pytest.raises(AttributeError, match=r"'Sequential' has no|9.weight|has no"):
            wrong()
    for wrong in (lambda: net.set_submodule("", nn.ReLU()), lambda: net.set_submodule("0", 5)):
        with pytest.raises(ValueError, match="set_submodule"):
            wrong()


def test_dtypes_by_name_and_empty_places() -> None:
    net: Any = nn.BatchNorm1d(2)
    assert net.half().weight.dtype is tn.float16 and net.bfloat16().running_mean.dtype is tn.bfloat16
    assert net.float().to("cpu", non_blocking=True).weight.dtype is tn.float32
    assert net.to_empty(device="cpu").running_var.tolist() == [0.0, 0.0]


def test_unflatten() -> None:
    x = tn.rand(4, 6)
    assert alike(nn.Unflatten(1, (2, -1))(x), x.reshape(4, 2, 3))
    assert repr(nn.Unflatten(1, [2, 3])) == "Unflatten(dim=1, unflattened_size=(2, 3))"
    with pytest.raises(tn.DTypeError, match="unflattened_size is a"):
        nn.Unflatten(1, 3)  # type: ignore[arg-type]
    with pytest.raises(tn.ShapeError):
        nn.Unflatten(1, (4, 2))(x)
