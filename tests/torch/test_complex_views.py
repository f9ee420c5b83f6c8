"""Views of complex tensors write through, as in PyTorch."""

import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers

PROGRAM = """
x = torch.tensor([[1 + 2j, 3 - 4j], [5j, 6]])
x.real[0] = 9
x.imag.mul_(2)
x[1].conj()[0] = 7 + 1j
x.T.real[1, 0] += 1
said(x, x.real, x.imag.T, x.real.stride(), x.real.is_contiguous(), torch.imag(x.conj()))
w = torch.tensor([1 + 2j, 3 - 4j], requires_grad=True)
z = w * 2
z.real.zero_()
z.conj()[1] = 0
(z.abs() ** 2).sum().backward()
said(w.grad)
x.imag = torch.ones(2, 2)
said(x)
r = torch.view_as_real(x)
r[0, 1] = 9
r.view(8)[6:].mul_(3)
said(x, r, r.shape, r.stride())
p = torch.arange(8.0).view(2, 2, 2).requires_grad_()
c = torch.view_as_complex(p)
(c.abs() ** 2).sum().backward()
said(c, p.grad)
a = torch.tensor([1.0, 2.0])
b = a.view(torch.int32)
b[0] = 0
said(a, b, torch.tensor([1, 2]).view(torch.int32), (torch.arange(6.0).view(2, 3).t() * 2).as_strided((6,), (1,)))
"""


def test_parts_and_conjugates_of_complex_numbers_are_views():
    import torch

    printed = {}
    for library in (torch, face):
        lines = printed[library] = []
        exec(PROGRAM, {"torch": library, "said": lambda *xs, lines=lines: lines.append([str(x) for x in xs])})
    assert printed[face] == printed[torch]


def test_a_part_that_the_other_wrote_is_stale():
    x = face.tensor([1 + 2j, 3 - 4j])
    real = x.real
    x[0] = 0
    with pytest.raises(RuntimeError, match="TN597"):
        real.sum()
