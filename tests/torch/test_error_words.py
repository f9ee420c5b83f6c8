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
torch.topk(A, 1.5)
torch.bmm(torch.ones(1, 2, 2), torch.ones(2, 2, 2))
A.max("x")
torch.add(A, "a")
A.sum((0, "a"))
torch.cat([A, "a"])
torch.cat("a")
A.clamp("a", 2)
F.mse_loss("a", A)
F.relu("a")
F.gelu("a")
torch.fft.fft("a")
torch.linalg.norm("a")
A.index_fill(0, 3, "a")
torch.where(A, "a")
torch.add(A, A, alpha="x")
F.interpolate(A[None], size=4, mode='bilinear')
F.interpolate(A[None], size=4, mode='bicubic')
(torch.arange(3) // 0).numpy()
A & A
~A
torch.ones(3, dtype=torch.bool) - torch.ones(3, dtype=torch.bool)
torch.arange(3).mean()
torch.utils.data.DataLoader([1], batch_size=0)
torch.autograd.grad((w * 1).sum(), torch.ones(3, requires_grad=True))
A.index_select(0, torch.tensor([[1]]))
A.masked_select(torch.tensor([1, 0, 1]))
torch.quantile(A, 1.5)
torch.histc(A, 0)
torch.repeat_interleave(torch.zeros(2), torch.tensor([1, 2, 3]))
torch.where(torch.zeros(2) > 0, torch.zeros(2), torch.zeros(3))
nn.Embedding(3, 2, padding_idx=5)
nn.GRU(2, 3)(torch.ones(2, 2, 2), torch.ones(1, 1, 3))
nn.LSTMCell(2, 3)(torch.ones(2, 3))
nn.GRUCell(2, 3)(torch.ones(2, 2), torch.ones(1, 3))
nn.LSTM(2, 3, num_layers=0)
nn.Conv2d(1, 1, 3, padding='same', stride=2)
nn.PixelShuffle(2)(torch.ones(1, 3, 2, 2))
nn.LazyLinear(2).weight.shape
F.grid_sample(torch.ones(1, 1, 2, 2), torch.ones(1, 2, 2, 3), align_corners=False)
F.smooth_l1_loss(A, A, beta=-1)
F.ctc_loss(torch.ones(5, 2, 3), torch.ones(2, 2).int(), torch.tensor([5, 5]), torch.tensor([2]))
nn.init.xavier_uniform_(torch.ones(3))
nn.init.calculate_gain('foo')
torch.optim.Adam([w], betas=(0.9, 1.5))
torch.optim.RMSprop([w], alpha=-1)
torch.utils.data.DataLoader([1], prefetch_factor=2)
torch.utils.data.DataLoader([1], persistent_workers=True)
torch.amp.GradScaler('cpu').update()
torch.amp.GradScaler('cpu').step(torch.optim.SGD([w], 0.1))
torch.vmap(lambda a, b: a + b)(torch.ones(2), torch.ones(3))
setattr(A, 'data', 3)
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
@pytest.mark.filterwarnings("ignore:Anomaly", "ignore:Error detected")
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


class Bad:
    def __len__(self):
        return 4

    def __getitem__(self, k):
        if k == 3:
            raise self.error
        return k


ERRORS = [ValueError("bad sample"), KeyError("name"), UnicodeDecodeError("utf8", b"", 0, 1, "")]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_a_worker_says_which_worker_caught_it(error):
    said = []
    for torch in (face, pytest.importorskip("torch")):
        data = Bad()
        data.error = error
        with pytest.raises(Exception) as caught:
            list(torch.utils.data.DataLoader(data, batch_size=2, num_workers=2))
        text = str(caught.value).splitlines()
        said.append((type(caught.value).__name__, text[:2], text[-1]))
    assert said[0] == said[1]


def test_nodes_are_named_by_the_operands_and_functions_by_their_class():
    said = []
    for torch in (face, pytest.importorskip("torch")):
        F, w, b = torch.nn.functional, torch.ones(2, 3, requires_grad=True), torch.ones(2)
        y = [F.linear(torch.ones(*s, 3), w, bias) for s in ((), (4,), (5, 4)) for bias in (None, b)]
        twice = type("Twice", (torch.autograd.Function,), {
            "forward": staticmethod(lambda ctx, x: x * 2), "backward": staticmethod(lambda ctx, g: g * 2)})  # fmt: skip
        said.append([x.grad_fn.name() for x in y] + [repr(twice.apply(w).grad_fn).split(" at ")[0]])
    assert said[0] == said[1]


def test_both_parts_of_a_function_run_under_the_same_autocast():
    said = []
    for torch in (face, pytest.importorskip("torch")):
        for cast in (None, torch.float32):
            class Product(torch.autograd.Function):
                @staticmethod
                @torch.amp.custom_fwd(device_type="cpu", cast_inputs=cast)
                def forward(ctx, a, b):
                    ctx.save_for_backward(a, b)
                    return a.mm(b)

                @staticmethod
                @torch.amp.custom_bwd(device_type="cpu")
                def backward(ctx, g):
                    a, b = ctx.saved_tensors
                    return g.mm(b.t()), a.t().mm(g)

            a = (torch.arange(9.0).view(3, 3) / 7).requires_grad_()
            with torch.autocast("cpu"):
                y = Product.apply(a, a.detach())
            y.float().sum().backward()
            said.append((str(y.dtype), str(a.grad.dtype), pytest.approx(a.grad.flatten().tolist(), rel=1e-6)))
    assert [row[:2] for row in said[:2]] == [row[:2] for row in said[2:]]
    assert [row[2].expected for row in said[:2]] == [row[2] for row in said[2:]]


def test_a_reentrant_checkpoint_of_plain_inputs_has_no_gradient():
    said = []
    for torch in (face, pytest.importorskip("torch")):
        layer = torch.nn.Linear(2, 2)
        with pytest.warns(UserWarning) as caught:
            y = torch.utils.checkpoint.checkpoint(layer, torch.ones(1, 2))
        said.append((y.requires_grad, [str(w.message) for w in caught]))
    assert said[0] == said[1]
