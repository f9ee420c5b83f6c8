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
