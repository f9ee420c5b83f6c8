"""What PyTorch refuses for the values of its operands: the face raises PyTorch's class, when the result is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers
CALLS = """
torch.gather(z, 0, below)
torch.gather(z, 1, below)
z.scatter(0, below, z)
z.scatter(0, below, 1.0)
z.clone().scatter_(0, below, z)
z.scatter_add(0, below, z)
z.clone().scatter_add_(0, below, z)
z.scatter_reduce(0, below, z, 'sum')
z.index_select(0, last)
z.index_add(0, last, z[:1])
z.clone().index_add_(0, last, z[:1])
z.index_copy(0, last, z[:1])
z.index_reduce(0, last, z[:1], 'amax')
F.max_unpool1d(z[None], below[None], 2)
F.embedding(last, z)
F.nll_loss(z[:1], last)
F.binary_cross_entropy(z + 0.5, z)
F.binary_cross_entropy(z / 9, z + 1.5)
F.binary_cross_entropy(z / 9 - 1, z / 9)
F.binary_cross_entropy(z * float('nan'), z / 9)
nn.BCELoss()(torch.tensor([1.5]).half(), torch.tensor([1.0]).half())
F.alpha_dropout(z, 1.5)
F.dropout(z, -0.5, training=False)
torch.zeros(2, dtype=torch.uint8).fill_(300)
torch.nonzero_static(last, size=-1)
torch.multinomial(-z - 1, 1)
torch.bernoulli(z + 2)
torch.poisson(-z - 1)
torch.bincount(last)
A.jacobian(lambda a: torch.ones(2), z[0], strict=True)
A.jacobian(lambda a, b: (a * 2, b * 1), (z[0], z[1]), strict=True)
A.jacobian(lambda a: a * 2, z[0], strict=True, create_graph=True)
A.jacobian(lambda a: a * 2, z[0], strategy='forward-mode')
A.hessian(lambda a: (a * 2).sum(), z[0], strict=True)
A.hessian(lambda a: a * 2, z[0])
A.vjp(lambda a, b: a * 2, (z[0], z[1]), z[0], strict=True)
A.vjp(lambda a: a * 2, z[0], z)
A.jvp(lambda a: a.detach(), z[0], z[1], strict=True)
A.jvp(lambda a: a * 2, z[0], z[1], strict=True, create_graph=True)
A.hvp(lambda a: (a * 2).sum(), z[0], z[1], strict=True)
A.vhp(lambda a: a.sum().detach(), z[0], z[1], strict=True)
A.hvp(lambda a: (a * 2).sum(), z[0])
""".strip().splitlines()
KEPT = """
z[last]
torch.take(z, last)
z.index_fill(0, last, 1.0)
z.put(last, z[0, :1])
torch.take_along_dim(z, below, 0)
z.index_put((last,), z[:1])
A.jvp(lambda a: a ** 3, z[1], z[2], strict=True)[1]
A.hvp(lambda a: (a ** 3).sum(), z[1], z[2], strict=True)[1]
A.hessian(lambda a: (a ** 3).sum(), z[1], strict=True)
A.jacobian(lambda a: a ** 3, z[1], strict=True, create_graph=True)
""".strip().splitlines()
"""Calls that go on: what counts from the end, and what depends on its input."""


def result(torch: Any, call: str) -> Any:
    z = torch.arange(6.0).reshape(3, 2) / 9
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "A": torch.autograd.functional, "z": z,
             "last": torch.tensor([-1]),
             "below": torch.tensor([[-1, 0], [0, 1], [1, 0]])}  # fmt: skip
    return eval(call, names).tolist()


@pytest.mark.parametrize("call", CALLS)
def test_what_pytorch_refuses_is_refused(call: str) -> None:
    with pytest.raises(Exception) as wanted:
        result(pytest.importorskip("torch"), call)
    with pytest.raises(wanted.type):
        result(face, call)


@pytest.mark.parametrize("call", KEPT)
def test_what_pytorch_takes_goes_on(call: str) -> None:
    np.testing.assert_allclose(result(face, call), result(pytest.importorskip("torch"), call), rtol=1e-6)


FILLS = """
t.full((2,),v,dtype=d)  t.full_like(x,v)  x.new_full((2,),v)  x.fill_(v)  x.masked_fill(x==0,v)  x.masked_fill_(x==0,v)
"""


@pytest.mark.peers
@pytest.mark.parametrize("made", FILLS.split())
def test_numbers_that_a_dtype_has_no_room_for_fill_nothing(made):
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, face):
        for name in ("float16", "bfloat16", "float32", "float64"):
            for v in (6e4, 7e4, -1e40, 2**40, float("inf")):
                d = getattr(t, name)
                try:
                    found.append(eval(made, {"t": t, "x": t.zeros(2, dtype=d), "v": v, "d": d}).tolist())
                except RuntimeError as error:
                    found.append(str(error).splitlines()[0])
    assert found[: len(found) // 2] == found[len(found) // 2 :]
