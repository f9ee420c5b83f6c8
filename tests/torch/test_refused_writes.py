"""Writes that PyTorch refuses, because of what they write or of a parameter's kind, are refused with its class."""

import importlib

import pytest

import tenure.torch as face
from tenure.torch.cells.aliasing import aliasing

pytestmark = pytest.mark.peers

FOLDED = [
    "e[:] = 1.", "e[...] = 1.", "e[0:2] = 1.", "e[:, 1] = 1.", "e[:, 1:] = torch.tensor(1.)", "e[None] = 1.",
    "e.T[:] = 1.", "e.view(2, 1, 3)[:] = 1.", "e.data[:] = 1.", "e.unfold(1, 2, 1)[:] = 1.", "e[0:] = e", "e[:] = e",
    "e[0] = 1.", "e[1:] = 1.", "e[1, 1] = 2.", "e.fill_(2.)", "e.zero_()", "e.add_(1)", "e.copy_(torch.ones(3))",
    "e[:0] = 1.", "b[None][:] = 1.", "b[:1].expand(3)[1:] = 1.", "b[:1].expand(1, 1)[:] = 1.", "e[:1] = 2.",
    "b[:1][None] = b[:1]", "b[:1][0] = b[:1]", "c[0] = c[:1]", "c[:1] = c[0]", "c[-1:] = c[-1]",
]  # fmt: skip
KINDS = [
    "x.copy_([1])", "x.copy_(x + 1, 2)", "x.copy_(2)", "x.fill_((2,))", "x.normal_(torch.ones(3))", "x.normal_('a')",
    "x.geometric_(2)", "x.geometric_(torch.ones(3))", "x.exponential_(torch.ones(3))", "x.bernoulli_(x > 0)",
    "x.cauchy_(0, torch.ones(3))", "x.masked_fill_(x > 0, torch.ones(3))", "x.masked_fill_(x > 0, torch.tensor(2.))",
    "x.clamp_([1])", "x.clamp_('a')", "x.clamp_(0, 2)", "x.requires_grad_(2)", "x.requires_grad_(True)",
    "x.set_(torch.ones(2, dtype=torch.float64))", "x.log_normal_(mean=0., std=torch.ones(3))",
    "torch.full((2,), 300, dtype=torch.uint8)", "torch.full((2,), 1e10, dtype=torch.int32)",
    "torch.scalar_tensor(300, dtype=torch.uint8)", "torch.full((2,), 1j, dtype=torch.float32)",
    "torch.zeros(2, dtype=torch.uint8).masked_fill_(torch.tensor([True, False]), 300)",
]  # fmt: skip


def outcome(library, source: str):
    """Class of the error of a statement, and the elements that are written."""
    b, c = library.zeros(3), library.zeros(1, 3)[:, :1]
    names = {"torch": library, "b": b, "c": c, "e": b.expand(2, 3), "x": library.ones(3)}
    try:
        exec(source, names)
    except (RuntimeError, TypeError) as error:
        kinds = (NotImplementedError, RuntimeError, TypeError)
        return next(kind for kind in kinds if isinstance(error, kind)), b.tolist(), c.tolist()
    return None, b.tolist(), c.tolist()


@pytest.mark.parametrize("source", FOLDED)
def test_a_write_of_what_shows_one_element_twice_is_pytorchs(source):
    import torch

    with aliasing("pytorch"):
        assert outcome(face, source) == outcome(torch, source)


@pytest.mark.parametrize("source", KINDS)
def test_a_parameter_of_another_kind_is_refused_with_pytorchs_class(source):
    import torch

    assert outcome(face, source)[0] is outcome(torch, source)[0]


def test_a_tensors_own_write_to_shared_memory_is_no_silent_one():
    import torch

    def gradient(library):
        w = library.tensor([-1.0, 3.0, -2.0], requires_grad=True)
        y = w.clone()
        array = y.detach().numpy()
        y[library.tensor([1])] = w[:1] * 2
        (y * w).sum().backward()
        return array.tolist(), w.grad.tolist()

    with aliasing("pytorch"):
        assert gradient(face) == gradient(torch)


def test_a_view_of_a_leaf_whose_data_are_anothers_is_still_one_of_a_leaf():
    for library in (face, pytest.importorskip("torch")):
        w = library.ones(3, requires_grad=True)
        v = w[1]
        w.data = w.data * 2
        with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
            v.mul_(2)


@pytest.mark.parametrize("name", ["torch", "tenure.torch"])
def test_a_view_outside_the_graph_is_one_of_the_first_base(name) -> None:
    """A leaf that is a view has its base's graph for views taken under no_grad: that base requires nothing."""
    library = importlib.import_module(name)
    base = library.tensor([1.0, 2.0])
    leaf = base.unsqueeze(1).requires_grad_()
    with library.no_grad():
        view = leaf.squeeze()
    assert not view.requires_grad
    view.zero_()
    assert view.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["torch", "tenure.torch"])
def test_a_view_that_is_given_other_elements_stays_a_view(name) -> None:
    library = importlib.import_module(name)
    base = library.zeros(3)
    view = base[:2]
    with aliasing("pytorch"):
        view.data = library.ones(2)
    assert view._is_view() and view._base is base
    with pytest.raises(RuntimeError, match="detach views in-place"):
        view.detach_()
