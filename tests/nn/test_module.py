"""Modules: what they hold, save, load, copy and print."""

import copy
import gc
import pickle
import sys
from collections import OrderedDict
from typing import Any

import pytest

import tenure as tn
from tenure import nn
from tenure.values.trace.record import RECORDER


class Block(nn.Module):
    def __init__(self, n: int = 3) -> None:
        super().__init__()
        self.fc = nn.Linear(n, n)
        self.scale = nn.Parameter(tn.ones(n))
        self.register_buffer("mean", tn.zeros(n))
        self.register_buffer("scratch", tn.zeros(1), persistent=False)
        self.name = "block"

    def forward(self, x: Any) -> Any:
        return self.fc(x) * self.scale - self.mean


def test_registration_and_order() -> None:
    net = nn.Sequential(Block(), nn.ReLU(), nn.Linear(3, 2, bias=False))
    names = ["0.scale", "0.fc.weight", "0.fc.bias", "2.weight"]
    assert [n for n, _ in net.named_parameters()] == names
    assert [p.shape for p in net.parameters()] == [(3,), (3, 3), (3,), (2, 3)]
    assert [n for n, _ in net.named_buffers()] == ["0.mean", "0.scratch"]
    assert len(list(net.buffers())) == 2
    assert [n for n, _ in net.named_children()] == ["0", "1", "2"]
    assert [n for n, _ in net.named_modules()] == ["", "0", "0.fc", "1", "2"]
    assert list(net.children()) == list(net)
    assert next(net.modules()) is net
    assert [n for n, _ in net[0].named_parameters(prefix="x", recurse=False)] == ["x.scale"]
    assert list(net.state_dict()) == ["0.scale", "0.mean", "0.fc.weight", "0.fc.bias", "2.weight"]
    assert net.get_submodule("0.fc") is net[0].fc
    assert net.get_submodule("") is net
    with pytest.raises(AttributeError, match=r"has no module '0.nothing'"):
        net.get_submodule("0.nothing")
    assert {"fc", "scale", "mean", "name"} <= set(dir(net[0]))


def test_attributes() -> None:
    block = Block()
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'scale'"):
        block.scale = tn.zeros(3)
    with pytest.raises(TypeError, match="cannot assign 'int' as module 'fc'"):
        block.fc = 3
    with pytest.raises(TypeError, match="cannot assign 'int' as buffer 'mean'"):
        block.mean = 3
    with pytest.raises(AttributeError, match="'Block' object has no attribute 'missing'"):
        _ = block.missing
    block.name = "other"
    assert block.name == "other"
    block.scale = None
    assert [n for n, _ in block.named_parameters()] == ["fc.weight", "fc.bias"]
    del block.fc
    assert not hasattr(block, "fc")
    with pytest.raises(AttributeError):
        del block.fc
    block.mean = nn.Parameter(tn.ones(2))
    assert "mean" in dict(block.named_parameters())
    assert "mean" not in dict(block.named_buffers())


def test_registering_by_name() -> None:
    m = nn.Module()
    m.register_parameter("w", None)
    assert m.w is None
    m.w = nn.Parameter(tn.ones(1))
    m.add_module("child", nn.Identity())
    with pytest.raises(KeyError, match="no dot"):
        m.register_buffer("a.b", tn.zeros(1))
    with pytest.raises(KeyError, match="already exists"):
        m.register_buffer("w", tn.zeros(1))
    with pytest.raises(KeyError, match="already exists"):
        m.register_parameter("forward", nn.Parameter(tn.zeros(1)))
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'v'"):
        m.register_parameter("v", tn.zeros(1))
    with pytest.raises(TypeError, match="is not a Module subclass"):
        m.add_module("x", tn.zeros(1))


def test_assigning_before_init() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.fc = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Early()


def test_no_forward() -> None:
    with pytest.raises(NotImplementedError, match="Module does not define forward"):
        nn.Module()(1)


def test_buffers_are_places() -> None:
    class Running(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", tn.zeros(2))
            self.register_buffer("count", tn.tensor(0))

        def forward(self, x: Any) -> Any:
            self.mean.mul_(0.5).add_(0.5 * x)
            self.count += 1
            return x

    m = Running()
    before = m.state_dict()
    m(tn.ones(2))
    assert m.mean.tolist() == [0.5, 0.5]
    assert m.count.item() == 1
    assert before["mean"].tolist() == [0.0, 0.0]
    m.mean = tn.ones(2)
    assert isinstance(m.mean, tn.Var)
    assert list(m.state_dict()) == ["mean", "count"]


def test_train_eval_apply_zero_grad() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    assert net.training
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.train()[1].training
    seen: list[str] = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "Dropout", "Sequential"]
    net(tn.ones(1, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad.abs().sum().item() == 0 for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_a_state_dict_is_a_snapshot() -> None:
    m = nn.Linear(2, 2)
    saved = m.state_dict()
    before = saved["weight"].tolist()
    with tn.no_grad():
        m.weight.zero_()
    assert saved["weight"].tolist() == before
    assert type(saved["weight"]) is tn.Tensor
    assert not saved["weight"].requires_grad
    assert str(m.load_state_dict(saved)) == "<All keys matched successfully>"
    assert m.weight.tolist() == before
    assert m.weight.requires_grad


def test_a_failed_load_changes_nothing() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {k: v.tolist() for k, v in net.state_dict().items()}
    given = {"0.weight": tn.ones(3, 2), "0.bias": tn.ones(4), "2.bias": tn.ones(1)}
    with pytest.raises(tn.StateDictError) as caught:
        net.load_state_dict(given)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        "\tMissing key(s) in state_dict: '1.weight', '1.bias'.\n"
        "\tUnexpected key(s) in state_dict: '2.bias'.\n"
        "\tsize mismatch for 0.bias: the state_dict has shape [4], the model [3].\n"
        "  = help: nothing was loaded; strict=False lets missing and unexpected keys pass"
    )
    with pytest.raises(tn.StateDictError, match="size mismatch for 0.bias"):
        net.load_state_dict(given, strict=False)
    with pytest.raises(TypeError, match="a state_dict is a mapping"):
        net.load_state_dict([1])
    assert {k: v.tolist() for k, v in net.state_dict().items()} == before
    del given["0.bias"]
    keys = net.load_state_dict(given, strict=False)
    assert keys.missing_keys == ["0.bias", "1.weight", "1.bias"]
    assert keys.unexpected_keys == ["2.bias"]
    assert net[0].weight.tolist() == [[1.0, 1.0]] * 3


def test_loading_arrays_and_other_dtypes() -> None:
    m = nn.Linear(2, 1)
    m.load_state_dict({"weight": tn.ones(1, 2, dtype=tn.float64).numpy(), "bias": tn.tensor([2])})
    assert m.weight.dtype is tn.float32
    assert m.bias.tolist() == [2.0]
    old = m.weight
    m.load_state_dict({"weight": tn.ones(1, 2, dtype=tn.float64), "bias": tn.zeros(1)}, assign=True)
    assert m.weight is not old
    assert m.weight.dtype is tn.float64
    assert m.weight.requires_grad


def test_to_replaces_parameters_and_keeps_ties() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    net.register_buffer("steps", tn.tensor(3))
    net.register_buffer("mean", tn.zeros(2))
    net(tn.ones(1, 2)).sum().backward()
    old, grad = net[0].weight, net[0].weight.grad.tolist()
    assert net.to(tn.float32)[0].weight is old
    assert net.to("cpu")[0].weight is old
    assert net.double() is net
    assert net[0].weight is net[1].weight is not old
    assert {p.dtype for p in net.parameters()} == {tn.float64}
    assert net[0].weight.grad.tolist() == grad
    assert (net.steps.dtype, net.mean.dtype) == (tn.int64, tn.float64)
    assert len(list(net.parameters())) == 3
    assert net.to("cpu", tn.float32).float().cpu()[0].bias.dtype is tn.float32
    with pytest.raises(tn.DTypeError, match="floating dtypes only, not to int64"):
        net.to(tn.int64)
    with pytest.raises(tn.DTypeError, match="no device 'cuda'"):
        net.to("cuda")


def test_copies_own_their_parameters() -> None:
    net = nn.Sequential(Block(), nn.Linear(3, 3))
    net[1].weight = net[0].fc.weight
    x = tn.randn(2, 3)
    expected = net(x).tolist()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net[0].fc)), pickle.loads(pickle.dumps(net[1]))):
        assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in twin.parameters())
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in net.parameters()}
    twin = copy.deepcopy(net)
    assert twin[1].weight is twin[0].fc.weight
    assert twin(x).tolist() == expected
    with tn.no_grad():
        twin[0].scale.zero_()
    assert net(x).tolist() == expected


def test_a_shallow_copy_owns_its_places_and_shares_the_rest() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    net[2] = net[0]
    net.register_buffer("steps", tn.tensor(3))
    net.notes = ["a note"]
    x = tn.randn(2, 2)
    expected = net(x).tolist()
    twin = copy.copy(net)
    assert twin.notes is net.notes and type(twin) is nn.Sequential and twin[1].weight.requires_grad
    assert twin[1].weight is twin[0].weight and twin[2] is twin[0] and twin[2] is not net[0]
    twin.append(nn.ReLU())
    with tn.no_grad():
        for place in (*twin.parameters(), *twin.buffers()):
            place.zero_()
    assert (net(x).tolist(), net.steps.item(), len(net)) == (expected, 3, 3)
    optimizer = tn.optim.SGD(twin.parameters(), lr=1.0)
    twin(x).sum().backward()
    optimizer.step()
    assert net(x).tolist() == expected


def test_sequential() -> None:
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b)
    assert net.append(c) is net
    assert len(net) == 3
    assert (net[0], net[-1]) == (a, c)
    assert list(net[1:]) == [b, c]
    assert isinstance(net[:2], nn.Sequential)
    with pytest.raises(tn.OutOfRange, match="TN801: index 3 is out of range for 3 modules"):
        _ = net[3]
    net[1] = nn.Tanh()
    assert isinstance(net[1], nn.Tanh)
    del net[1]
    assert [n for n, _ in net.named_children()] == ["0", "1"]
    assert net[1] is c
    named = nn.Sequential(OrderedDict(first=a, second=b))
    assert named.first is a
    assert list(named.state_dict()) == ["first.weight", "first.bias"]
    assert nn.Sequential()(5) == 5


def test_module_list() -> None:
    layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(2)])
    layers.append(nn.ReLU())
    layers.insert(0, nn.Identity())
    assert [type(m).__name__ for m in layers] == ["Identity", "Linear", "Linear", "ReLU"]
    assert len(list(layers.parameters())) == 4
    assert isinstance(layers[1:3], nn.ModuleList)
    layers.extend([nn.Tanh()])
    assert isinstance(layers[-1], nn.Tanh)


def test_an_error_of_the_run_names_the_outermost_call() -> None:
    class Rows(nn.Module):
        def forward(self, x: Any, at: Any) -> Any:
            return nn.functional.nll_loss(x, at)

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = Rows()

        def forward(self, x: Any, at: Any) -> Any:
            return self.rows(x, at)

    net = Outer()
    loss = net(tn.zeros(2, 3), tn.tensor([1, 7]))  # this line
    with pytest.raises(tn.OutOfRange, match="index 7 is out of range for axis 1 of size 3") as caught:
        loss.item()
    assert "loss = net(tn.zeros(2, 3), tn.tensor([1, 7]))  # this line" in str(caught.value)
    with pytest.raises(tn.ShapeError):
        nn.Linear(2, 2)(tn.zeros(3))
    assert RECORDER.site is None


def test_modules_leave_nothing_behind() -> None:
    gc.collect()
    gc.disable()
    try:
        net = nn.Sequential(Block(), nn.ReLU())
        weight = net[0].fc.weight
        before = sys.getrefcount(weight)
        net(tn.ones(1, 3)).sum().backward()
        assert not weight.is_orphan()
        assert sys.getrefcount(weight) == before
        del net
        assert weight.is_orphan()
    finally:
        gc.enable()


def test_parameters() -> None:
    p = nn.Parameter(tn.tensor([1.0, 2.0]))
    assert repr(p) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert isinstance(p, tn.Var)
    assert p.requires_grad
    assert not nn.Parameter(tn.tensor([1.0]), requires_grad=False).requires_grad
    w = tn.ones(2, requires_grad=True)
    assert nn.Parameter(w * 2).is_leaf
    assert not nn.Parameter(w * 2, requires_grad=False).requires_grad
    with pytest.raises(tn.DTypeError, match="cannot require grad"):
        nn.Parameter(tn.tensor([1]))


def test_module_dict() -> None:
    a, b = nn.Linear(1, 2), nn.Linear(2, 1)
    net = nn.ModuleDict({"first": a})
    net["second"] = b
    assert (list(net), len(net), "first" in net, net["second"] is b) == (["first", "second"], 2, True, True)
    assert set(net.state_dict()) == {"first.weight", "first.bias", "second.weight", "second.bias"}
    net["first"] = c = nn.Linear(1, 3)
    net.update([("third", a)])
    assert [m is n for m, n in zip(net.values(), (c, b, a), strict=True)] == [True] * 3
    assert net.pop("third") is a and list(net.keys()) == [name for name, _ in net.items()] == ["first", "second"]
    assert copy.copy(net)["first"] is not c and "(second): Linear" in repr(net)
    del net["second"]
    net.clear()
    assert not list(net.parameters())
    for bad in ({"": a}, {"x.y": a}, {"x": 3}):
        with pytest.raises((KeyError, TypeError)):
            nn.ModuleDict(bad)


def test_parameters_as_one_vector_share_nothing_with_it() -> None:
    net = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.tolist() == net.weight.flatten().tolist() + net.bias.tolist()
    vector.sum().backward()
    assert net.weight.grad.tolist() == [[1.0] * 2] * 3
    given = tn.arange(9.0).mut()
    nn.utils.vector_to_parameters(given, net.parameters())
    given.zero_()
    assert (net.weight.tolist(), net.bias.tolist()) == ([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [6.0, 7.0, 8.0])
    with pytest.raises(tn.ShapeError, match="TN802"):
        nn.utils.vector_to_parameters(tn.zeros(8), net.parameters())
    assert net.bias.tolist() == [6.0, 7.0, 8.0]


def test_containers_are_subscripted_by_the_type_of_their_modules() -> None:
    layers = nn.ModuleList[nn.Linear]([nn.Linear(2, 2)])
    heads = nn.ModuleDict[nn.Linear]({"a": nn.Linear(2, 1)})
    assert type(layers) is nn.ModuleList and type(heads) is nn.ModuleDict
    assert list(layers.state_dict()) == ["0.weight", "0.bias"] and list(heads.state_dict()) == ["a.weight", "a.bias"]


def test_parameters_are_frozen_by_their_attribute() -> None:
    net = nn.Linear(2, 1)
    for p in net.parameters():
        p.requires_grad = False
    assert not net(tn.ones(1, 2)).requires_grad
    net.bias.requires_grad = True
    loss = net(tn.ones(1, 2)).sum()
    assert [g.tolist() for g in tn.autograd.grad(loss, {"b": net.bias}.values())] == [[1.0]]
    with pytest.raises(tn.WriteError, match="TN594"):
        loss.detach().requires_grad = True  # type: ignore[misc]


def test_memory_of_several_processes_is_no_modules() -> None:
    with pytest.raises(AttributeError, match="tn.Shared"):
        nn.Linear(2, 2).share_memory()
