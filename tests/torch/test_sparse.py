"""Sparse tensors in coordinate form: what is computed of them is what PyTorch computes, gradients and text included."""

import pytest

import tenure.torch as face

oracle = pytest.importorskip("torch")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:Sparse:UserWarning")]

PROGRAMS = {
    "products": "s @ d, torch.mm(s, d), torch.spmm(s, d), torch.sparse.mm(s, d), s @ d[:, 0], s.t() @ d[:2]",
    "arithmetic": "(s * 2).to_dense(), (s / 4).to_dense(), (s + s).to_dense(), (s - s * 3).to_dense(), dense + s, -s",
    "sums": "torch.sparse.sum(s), torch.sparse.sum(s, dim=0).to_dense(), torch.sparse.sum(s, 1).to_dense()",
    "rows": "dense.to_sparse_csr(), s.coalesce().to_sparse_csr() @ d, dense.to_sparse_csr().to_sparse(),"
    " (dense.to_sparse_csr() * 2).crow_indices(), dense.to_sparse_csr().to_dense(), dense.to_sparse_csr().layout",
    "softmax": "torch.sparse.softmax(s, 1).to_dense(), torch.sparse.log_softmax(s, dim=0)",
    "forms": "s, s.coalesce(), s.t().to_dense(), dense.to_sparse(), s.double(), s.coalesce().indices(), s._nnz()",
    "facts": "s.shape, s.size(1), s.is_sparse, s.layout, s.dtype, s.dim(), s.is_coalesced(), s.requires_grad",
}


def given(torch):
    index = torch.tensor([[0, 1, 1, 0], [2, 0, 2, 2]])
    s = torch.sparse_coo_tensor(index, torch.tensor([3.0, 4.0, 5.0, 0.5]), (2, 3))
    return {"torch": torch, "s": s, "d": torch.arange(6.0).view(3, 2) + 1, "dense": torch.eye(2, 3)}


@pytest.mark.parametrize("title", PROGRAMS)
def test_sparse_tensors_print_as_in_pytorch(title):
    assert repr(eval(PROGRAMS[title], given(face))) == repr(eval(PROGRAMS[title], given(oracle)))


def test_gradients_flow_to_values_and_to_the_dense_operand():
    found = []
    for torch in (face, oracle):
        v = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
        d = (torch.arange(6.0).view(3, 2) + 1).requires_grad_()
        s = torch.sparse_coo_tensor(torch.tensor([[0, 1, 1], [2, 0, 2]]), v, (2, 3))
        (torch.sparse.mm(s, d) ** 2).sum().backward()
        found.append(repr((s, v.grad, d.grad)))
    assert found[0] == found[1]


SPARSE_GRADIENTS = """
e = torch.nn.Embedding(6, 2, sparse=True)
e.weight.data.copy_(torch.arange(12.0).reshape(6, 2))
e.weight.register_hook(lambda g: said.append(g.is_sparse) or g * 2)
e(torch.tensor([1, 3, 1])).pow(2).sum().backward()
g = e.weight.grad
said += [g, g.layout, g.coalesce().values(), g.to_dense().abs().sum(1), g.norm(), torch.is_tensor(g), (g + g).is_sparse]
e.weight.grad.mul_(3)
e.weight.grad.data.div_(2)
said += [e.weight.grad.to_dense(), e.weight.grad.zero_()._nnz()]
for made in (torch.optim.SGD(e.parameters(), 0.1), torch.optim.SparseAdam(list(e.parameters()), 0.1)):
    e.weight.grad = torch.sparse_coo_tensor([[1, 4]], torch.ones(2, 2), (6, 2))
    made.step()
    said += [e.weight.tolist(), e.weight.grad.is_sparse]
"""


def test_sparse_gradients_are_sparse_tensors_that_are_written():
    found = []
    for torch in (face, oracle):
        said = []
        exec(SPARSE_GRADIENTS, {"torch": torch, "said": said})
        assert all(isinstance(x, torch.Tensor) for x in (said[3], said[4]))
        said[-4], said[-2] = (torch.tensor(x) for x in (said[-4], said[-2]))
        found.append(repr(said))
    assert found[0] == found[1]


@pytest.mark.parametrize("wrong", ["s.indices()", "s @ torch.ones(2, 2)"])
def test_errors_are_pytorchs(wrong):
    said = []
    for torch in (face, oracle):
        with pytest.raises(RuntimeError) as error:
            eval(wrong, given(torch))
        said.append(str(error.value).splitlines()[0])
    assert said[0] == said[1]


@pytest.mark.parametrize("wrong", ["s[0]", "s @ s", "torch.exp(s)", "dense.to_sparse_csc()"])
def test_what_is_not_supported_says_so(wrong):
    with pytest.raises((RuntimeError, TypeError), match="not supported|dense|subscriptable"):
        eval(wrong, given(face))


GRADIENTS = (
    "g", "g.coalesce()", "g.coalesce().values()", "g._indices()", "g.shape", "g.dtype", "g.to_dense()", "g.norm()",
    "torch.sparse.sum(g)", "g * 2", "w.data.add_(g, alpha=-0.1)", "w.grad is g", "g.mul_(2) is w.grad", "w.grad",
    "torch.autograd.grad(layer(at).sum(), w)", "torch.optim.SGD([w], 0.1).step() or w",
)  # fmt: skip


def test_a_sparse_gradient_is_a_sparse_tensor():
    found = []
    for torch in (face, oracle):
        layer, at = torch.nn.Embedding(5, 2, sparse=True), torch.tensor([1, 3, 1])
        layer.weight.data.fill_(1.0)
        layer(at).sum().backward()
        names = {"torch": torch, "layer": layer, "at": at, "w": layer.weight, "g": layer.weight.grad}
        found.append([repr(eval(text, names)) for text in GRADIENTS])
    assert found[0] == found[1]
