"""Hooks of modules: what they see are values, what they return takes their place; in PyTorch's order."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import tenure as tn
from tenure import nn


def linear(weight: float = 2.0) -> Any:
    """A layer that multiplies by one number."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, weight)
    return layer


class Two(nn.Module):
    """Of two arguments two results; ``scale`` is no tensor."""

    def forward(self, a: Any, b: Any = None, scale: float = 1.0) -> Any:
        """Products and sums."""
        return a * b * scale, a + b


def test_forward_hooks_run_in_order_and_replace() -> None:
    net, log = linear(), []
    handles = [
        net.register_forward_hook(lambda m, args, out: log.append(("after", args[0].item(), out.item()))),
        net.register_forward_pre_hook(lambda m, args: log.append(("before", args[0].item()))),
        net.register_forward_pre_hook(lambda m, args: args[0] + 1),
        net.register_forward_hook(lambda m, args, out: out * 10),
        net.register_forward_hook(lambda m, args, out: log.append(("first", out.item())), prepend=True),
    ]
    x = tn.ones(1, 1)
    assert net(x).item() == 40.0
    assert log == [("before", 1.0), ("first", 4.0), ("after", 2.0, 4.0)]
    for handle in handles:
        handle.remove()
        handle.remove()
    assert (net(x).item(), len(log)) == (2.0, 3)


def test_hooks_with_keyword_arguments() -> None:
    two = Two()
    seen: list[Any] = []
    two.register_forward_pre_hook(lambda m, args, kwargs: (args, {**kwargs, "scale": 3.0}), with_kwargs=True)
    two.register_forward_hook(lambda m, args, kwargs, out: seen.append((len(args), sorted(kwargs))), with_kwargs=True)
    product, _ = two(tn.ones(()), b=tn.ones(()))
    assert (product.item(), seen) == (3.0, [(1, ["b", "scale"])])


def test_a_kept_feature_is_what_it_was() -> None:
    net = nn.Sequential(linear(-1.0), nn.ReLU(inplace=True))
    kept: list[Any] = []
    net[0].register_forward_hook(lambda m, args, out: kept.append((args[0], out)))
    x = tn.ones(1, 1).mut()
    net(x)
    x.zero_()
    net[0].weight.data.zero_()
    assert [(type(a), a.item(), type(b), b.item()) for a, b in kept] == [(tn.Tensor, 1.0, tn.Tensor, -1.0)]


@pytest.mark.parametrize(
    "write",
    [
        lambda g: g.mul_(2),
        lambda g: g.zero_(),
        lambda g: g.copy_(g * 2),
        lambda g: g.__setitem__(..., 0.0),
        lambda g: setattr(g, "data", g * 2),
        lambda g: g.requires_grad_(),
    ],
)
@pytest.mark.parametrize("where", ["leaf", "result", "module input", "module output", "forward"])
def test_a_hook_that_writes_its_argument_is_refused(write: Any, where: str) -> None:
    net = linear()
    x = tn.ones(1, 1, requires_grad=True)
    y = x * 1
    if where == "leaf":
        net.weight.register_hook(write)
    elif where == "result":
        y.register_hook(write)
    elif where == "module input":
        net.register_full_backward_hook(lambda m, gi, go: write(gi[0]))
    elif where == "module output":
        net.register_full_backward_hook(lambda m, gi, go: write(go[0]))
    else:
        net.register_forward_hook(lambda m, args, out: write(out.detach()))
    with pytest.raises(tn.WriteError, match="TN594"):
        net(y).sum().backward()
    assert (net.weight.grad is None) is (where in ("leaf", "forward"))  # else it was complete, as in PyTorch
    assert x.grad is None


def test_a_backward_hook_sees_all_gradients_at_once_and_replaces_them() -> None:
    two, seen = Two(), []
    a, b = tn.tensor(2.0, requires_grad=True), tn.tensor(3.0, requires_grad=True)

    def hook(m: Any, gi: Any, go: Any) -> Any:
        seen.append(([None if g is None else g.item() for g in gi], [None if g is None else g.item() for g in go]))
        return gi[0] * 10, gi[1] + 1, None

    two.register_full_backward_hook(hook)
    product, total = two(a, b, 1.0)
    (product * 5 + total * 7).backward(retain_graph=True)
    assert seen == [([22.0, 17.0, None], [5.0, 7.0])]
    assert (a.grad.item(), b.grad.item()) == (220.0, 18.0)
    a.grad = b.grad = None
    (product * 5).backward()
    assert seen[1] == ([15.0, 10.0, None], [5.0, None])


def test_whichever_argument_is_reached() -> None:
    class Pick(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return b * 2

    pick, seen = Pick(), []
    pick.register_full_backward_hook(lambda m, gi, go: seen.append([g if g is None else g.item() for g in gi]))
    a, b = tn.tensor(2.0, requires_grad=True), tn.tensor(3.0, requires_grad=True)
    pick(a, b).backward()
    pick(b, a).backward()
    assert seen == [[0.0, 2.0], [0.0, 2.0]]
    assert (a.grad.item(), b.grad.item()) == (2.0, 2.0)


def test_a_backward_hook_without_differentiable_arguments() -> None:
    net, seen = linear(), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].item())))
    x = tn.ones(1, 1)
    net(x).sum().backward()
    with tn.no_grad():
        net(x)
    assert seen == [((None,), 1.0)] and net.weight.grad.item() == 1.0


def test_a_backward_pre_hook_replaces_the_gradient_of_the_result() -> None:
    net, seen = linear(), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi[0].item(), go[0].item())))
    handle = net.register_full_backward_pre_hook(lambda m, go: go[0] * 3)
    x = tn.ones(1, 1, requires_grad=True)
    net(x).sum().backward()
    handle.remove()
    net(x).sum().backward()
    assert seen == [(6.0, 3.0), (2.0, 1.0)]
    assert (x.grad.item(), net.weight.grad.item()) == (8.0, 4.0)


@pytest.mark.parametrize("found", [lambda gi: (), lambda gi: (gi[0].sum(),), lambda gi: (3.0,)])
def test_what_a_backward_hook_may_not_return(found: Any) -> None:
    net = linear()
    net.register_full_backward_hook(lambda m, gi, go: found(gi))
    x = tn.ones(1, 1, requires_grad=True)
    with pytest.raises((tn.GradientError, tn.ShapeError, tn.DTypeError)):
        net(x).sum().backward()
    assert x.grad is None


def test_copies_have_hooks_of_their_own() -> None:
    net, seen = linear(), []
    handle = net.register_forward_hook(lambda m, args, out: seen.append(m))
    twins = [copy.copy(net), copy.deepcopy(net)]
    handle.remove()
    x = tn.ones(1, 1)
    net(x)
    assert [t(x).item() for t in twins] == [2.0, 2.0]
    assert seen == twins


def test_gradients_of_gradients_pass_the_hooks() -> None:
    net = linear(3.0)
    net.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
    x = tn.ones(1, 1, requires_grad=True)
    (g,) = tn.autograd.grad((net(x) ** 2).sum(), x, create_graph=True)
    assert g.item() == 36.0  # 2 · 2 · 9 x
    g.sum().backward()
    assert x.grad.item() == 72.0  # the graph of g leads through the module, and so through the hook, once more


@pytest.mark.peers
def test_hooks_are_called_as_pytorch_calls_them() -> None:
    torch = pytest.importorskip("torch")

    def run(lib: Any) -> list[Any]:
        log: list[Any] = []
        net = lib.nn.Sequential(lib.nn.Linear(2, 2, bias=False), lib.nn.ReLU(), lib.nn.Linear(2, 1, bias=False))
        for p in net.parameters():
            lib.nn.init.constant_(p, 0.5)
        for k, m in enumerate(net):
            m.register_forward_pre_hook(lambda m, a, k=k: log.append(("pre", k, a[0].tolist())))
            m.register_forward_hook(lambda m, a, y, k=k: log.append(("after", k, y.tolist())))
            m.register_full_backward_pre_hook(lambda m, go, k=k: log.append(("back pre", k, go[0].tolist())))
            m.register_full_backward_hook(
                lambda m, gi, go, k=k: log.append(("back", k, gi[0].tolist(), go[0].tolist()))
            )
        net[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.5,))
        x = lib.tensor([[1.0, 2.0], [3.0, -4.0]], requires_grad=True)
        net(x).sum().backward()
        return [*log, x.grad.tolist(), net[0].weight.grad.tolist(), net[2].weight.grad.tolist()]

    assert run(tn) == run(torch)
