"""Nodes of the graph and duals: what PyTorch shows of a graph, and the derivative along a tangent."""

from __future__ import annotations

from typing import Any

import pytest

import tenure.torch as face

real = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")]


LEAVES: list[Any] = []
"""What has the leaves of the programs: a graph does not keep them."""


def programs(torch: Any) -> list[Any]:
    """Results of programs."""
    F, w = torch.nn.functional, torch.ones(3, requires_grad=True)
    m = torch.nn.Sequential(
        torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.LayerNorm(3), torch.nn.Linear(3, 2, bias=False)
    )
    c, x = torch.nn.Conv2d(1, 2, 3), torch.ones(5, 4)

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, n: int, y: Any) -> Any:
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, y = ctx.saved_tensors
            return g * y, None, g * x

    LEAVES.extend([w, m, c])
    return [
        m(x), F.mse_loss(m(x), torch.ones(5, 2)), F.cross_entropy(m(x), torch.zeros(5, dtype=torch.long)),
        c(torch.ones(1, 1, 5, 5)).relu().sum(), w.view(-1)[2:] * 3, torch.cat([w, w]).mean(), w.expand_as(w),
        (w + 1).pow(2) / w, Product.apply(w, 3, torch.ones(3)).sum(), m(torch.ones(2, 5, 4)), w * w.detach(),
        torch.where(w > 0, w, -w), w[torch.tensor([0, 1])], w.exp().sin().max(), torch.stack([w, w]) @ torch.ones(3, 2),
    ]  # fmt: skip


def tree(node: Any) -> Any:
    """A node, and what it leads to."""
    if node is None:
        return None
    at = tuple(node.variable.shape) if hasattr(node, "variable") else ()
    return node.name(), at, [(tree(behind), k) for behind, k in node.next_functions]


@pytest.mark.parametrize("is_read", [False, True])
def test_graphs_are_those_of_pytorch(is_read: bool) -> None:
    mine = programs(face)
    if is_read:
        for y in mine:
            y.detach().sum().item()
    assert [tree(y.grad_fn) for y in mine] == [tree(y.grad_fn) for y in programs(real)]


def test_nodes_are_one_object() -> None:
    w = face.ones(2, requires_grad=True)
    y = (w * 2) + (w * 3)
    node = y.grad_fn
    assert node is y.grad_fn
    ends = [behind.next_functions[0][0] for behind, _ in node.next_functions]
    assert ends[0] is ends[1]
    assert ends[0].variable is w


def test_consumed_graphs_refuse() -> None:
    w = face.ones(2, requires_grad=True)
    y = (w * w).sum()
    y.item()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        _ = y.grad_fn.next_functions


def test_saved_tensors() -> None:
    w = face.tensor([1.0, 2.0], requires_grad=True)
    assert w.pow(2).grad_fn._saved_self is w
    y = w.exp()
    assert y.grad_fn._saved_result.tolist() == y.tolist()
    with pytest.raises(AttributeError):
        _ = y.grad_fn._saved_other


def test_function_nodes_have_their_context() -> None:
    class Scaled(face.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, k: int) -> Any:
            ctx.k = k
            ctx.save_for_backward(x)
            return x * k

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.k, None

    w = face.ones(2, requires_grad=True)
    node = Scaled.apply(w, 3).grad_fn
    assert node.saved_tensors[0] is w
    assert node.k == 3
    assert node.needs_input_grad == (True, False)


def test_hooks_of_nodes() -> None:
    w, seen = face.ones(2, requires_grad=True), []
    y = w * 2
    y.grad_fn.register_prehook(lambda g: (g[0] * 10,))
    end = face.autograd.graph.get_gradient_edge(w).node
    end.register_hook(lambda none, g: seen.append((none, g[0].tolist())))
    y.sum().backward()
    assert seen == [((), [20.0, 20.0])]
    with pytest.raises(NotImplementedError, match="register_prehook"):
        (w * 2).grad_fn.register_hook(print)


def test_edges_stand_for_tensors() -> None:
    edge, w = face.autograd.graph.get_gradient_edge, face.ones(2, requires_grad=True)
    y = w * 2
    z = (y * y).sum()
    assert face.autograd.grad(z, edge(y), retain_graph=True)[0].tolist() == [4.0, 4.0]
    assert face.autograd.grad(z, [edge(w)])[0].tolist() == [8.0, 8.0]


def hooked(torch: Any) -> Any:
    """Hooks of one tensor that leave notes on its gradient, and write it."""
    w, seen = torch.ones(2, requires_grad=True), []
    y = w * 2
    y.register_hook(lambda g: setattr(g, "note", 7))
    y.register_hook(lambda g: seen.append(g.note))

    def scale(g: Any) -> None:
        g.mul_(10)

    y.register_hook(scale)
    (y * torch.ones(2)).sum().backward()
    return seen, w.grad.tolist()


def test_hooks_of_one_gradient_see_one_object() -> None:
    assert hooked(face) == hooked(real) == ([7], [20.0, 20.0])


def duals(torch: Any) -> list[Any]:
    """Tangents of expressions of a dual."""
    ad, x, t = torch.autograd.forward_ad, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0])
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    out: list[Any] = []
    with ad.dual_level():
        d = ad.make_dual(x, t)
        out += [ad.unpack_dual(y).tangent for y in (d, d**2, (d.sin() * d).sum(), d * ad.make_dual(x, t * 2))]
        written = d.clone()
        written[0] = 5.0
        written.mul_(2)
        out += [ad.unpack_dual(written).tangent, ad.unpack_dual(x * 2).tangent]
        with pytest.raises(RuntimeError, match="Nested"), ad.dual_level():
            pass
        ad.unpack_dual((ad.make_dual(w, t) ** 3).sum()).tangent.backward()
    out += [w.grad, ad.unpack_dual(d).tangent]
    with pytest.raises(RuntimeError, match="no level"):
        ad.make_dual(x, t)
    return [None if y is None else y.tolist() for y in out]


def test_duals_have_the_tangents_of_pytorch() -> None:
    for mine, theirs in zip(duals(face), duals(real), strict=True):
        assert mine == (theirs if theirs is None else pytest.approx(theirs, rel=1e-6))


def mutated(torch: Any) -> list[float]:
    """The gradient of a result whose saved operand was written."""
    w = torch.ones(3, requires_grad=True)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        x = w * 2
        y = x * x
        x.mul_(5)
        (y.sum() + x.sum()).backward()
    found: list[float] = w.grad.tolist()
    return found


def test_saved_tensors_may_be_written() -> None:
    assert mutated(face) == mutated(real)


def arrays(torch: Any) -> Any:
    """Arrays of tensors that require grad, outside of the graph; what is written to one, the leaf has."""
    w = torch.ones(3, requires_grad=True)
    y = w * 2
    with torch.no_grad():
        array = w.numpy()
        array[0] = 5
        found = [array.tolist(), w.view(-1).numpy().tolist(), y.numpy().tolist()]
    with pytest.raises(RuntimeError, match="requires grad"):
        w.numpy()
    return found, w.tolist()


def test_arrays_are_given_outside_of_the_graph() -> None:
    assert arrays(face) == arrays(real)


def test_what_is_not_tracked_is_refused_where_it_would_lose_its_tangent() -> None:
    ad = face.autograd.forward_ad
    with face.no_grad(), pytest.raises(RuntimeError, match="not tracked"), ad.dual_level():
        pass
    with ad.dual_level():
        x = ad.make_dual(face.tensor([2.0]), face.tensor([1.0]))
        for mode in (face.no_grad(), face.inference_mode()):
            with pytest.raises(RuntimeError, match="not tracked"), mode:
                pass
        with pytest.raises(RuntimeError, match="not tracked"):
            face.set_grad_enabled(False)
        assert ad.unpack_dual(x * x).tangent.item() == 4
    with face.no_grad():
        assert not (face.ones(1, requires_grad=True) * 2).requires_grad
