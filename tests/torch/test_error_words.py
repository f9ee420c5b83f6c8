"""Errors that programs print: their class names and words are PyTorch's, and the lines of the program stand below."""

from __future__ import annotations

import pickle
import traceback

import numpy as np
import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers
WRONG = """
A @ B
A + B
torch.mm(A, B)
A @ torch.zeros(4)
torch.dot(torch.zeros(2), torch.zeros(3))
L(torch.zeros(2, 4))
A.view(4, 2)
A.t().view(6)
A[5]
A[0, 7]
A[[5]]
A[0, 0, 0]
A[::-1]
A[torch.tensor([True, False, True])]
A['x']
torch.cat([A, B])
torch.stack([A, B])
torch.cat([])
A.item()
bool(A)
float(A)
w.numpy()
w.backward()
A.sum().backward()
twice(w)
w.add_(1)
w.__setitem__(0, 1.0)
torch.arange(3).requires_grad_()
(w * 2).requires_grad_(False)
A.sum(3)
A.transpose(0, 3)
A.permute(0, 0)
A.expand(3, 3)
A.copy_(B)
A.add_(B)
torch.arange(3).add_(1.5)
F.cross_entropy(A, torch.tensor([1]))
F.conv2d(torch.zeros(1, 3, 4, 4), torch.zeros(2, 4, 3, 3))
F.conv2d(torch.zeros(1, 3, 2, 2), torch.zeros(2, 3, 3, 3))
nn.BatchNorm1d(3)(torch.zeros(1, 3))
nn.BatchNorm2d(3)(torch.zeros(1, 3))
nn.LayerNorm(4)(A)
nn.LSTM(4, 3)(torch.zeros(2, 2, 3))
L.load_state_dict({})
L.nope
torch.optim.SGD([], lr=0.1)
torch.optim.SGD([w], lr=-1)
torch.topk(torch.zeros(3), 5)
F.interpolate(A[None], size=4, mode='bilinear')
F.interpolate(A[None], size=4, mode='bicubic')
(torch.arange(3) // 0).numpy()
A & A
~A
torch.ones(3, dtype=torch.bool) - torch.ones(3, dtype=torch.bool)
torch.arange(3).mean()
torch.utils.data.DataLoader([1], batch_size=0)
torch.autograd.grad((w * 1).sum(), torch.ones(3, requires_grad=True))
"""


def twice(w) -> None:
    y = (w * w).sum()
    y.backward()
    y.backward()


def raised(library, source: str) -> tuple[str, str]:
    """Class name and first line of what an expression raises."""
    nn = library.nn
    scope = {
        "torch": library, "nn": nn, "F": nn.functional, "A": library.zeros(2, 3), "B": library.zeros(4, 5),
        "w": library.ones(3, requires_grad=True), "L": nn.Linear(3, 2), "twice": twice,
    }  # fmt: skip
    with pytest.raises(Exception) as caught:
        eval(source, scope)
    return type(caught.value).__name__, str(caught.value).split("\n")[0]


@pytest.mark.parametrize("source", WRONG.strip().split("\n"))
def test_a_wrong_call_raises_pytorchs_class_and_words(source):
    import torch

    assert raised(face, source) == raised(torch, source)


def test_the_lines_of_the_program_stand_below_and_errors_are_pickled():
    w = face.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError) as caught:
        twice(w)
    shown = "".join(traceback.format_exception(caught.value))
    assert "a second time" in str(caught.value)
    assert "consumed by this backward()" in shown
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_error_found_at_the_read_is_pytorchs_in_whatever_way_it_is_read():
    for read in (lambda y: y.numpy(), lambda y: y.tolist(), np.asarray, str, lambda y: y.detach().cpu().numpy()):
        with pytest.raises(RuntimeError, match="out of bounds") as caught:
            read(face.zeros(3, 5).gather(0, face.tensor([[34, 1]])))
        assert isinstance(caught.value, IndexError)  # what an embedding raises


ANOMALIES = ("x.sqrt().sum()", "(x - 1).sqrt().sum()", "(x.exp() + x.sqrt() * 2).sum()", "(x * 2).exp().sum()")


@pytest.mark.parametrize("program", ANOMALIES)
@pytest.mark.filterwarnings("ignore:Anomaly")
def test_anomaly_mode_raises_in_the_backward(program):
    said = []
    for torch in (face, pytest.importorskip("torch")):
        x = torch.zeros(2, requires_grad=True)
        with torch.autograd.detect_anomaly():
            y = eval(program, {"x": x}) * (0 if "sqrt" in program else 1)
            try:
                y.backward()
            except RuntimeError as error:
                said.append(str(error).splitlines()[0])
            else:
                said.append(x.grad.tolist())
    assert said[0] == said[1]
