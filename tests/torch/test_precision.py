"""autocast on the CPU: the dtypes and numbers of PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers


def trained(library) -> tuple[list[str], list[float]]:
    """Dtypes of what a few functions give under autocast, and the losses of a small net."""
    nn, F = library.nn, library.nn.functional
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4))
    with library.no_grad():
        for p in net.parameters():
            p.copy_(library.linspace(-0.7, 0.9, p.numel()).view_as(p))
    x, target = library.linspace(-1, 1, 32).view(2, 1, 4, 4), library.tensor([1, 3])
    optimizer = library.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        with library.autocast("cpu"):
            y = net(x)
            loss = nn.CrossEntropyLoss()(y, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    a = library.ones(2, 3)
    with library.autocast("cpu", dtype=library.bfloat16):
        found = [
            y, loss, a @ a.T, library.mm(a, a.t()), a + a, F.softmax(a @ a.T, -1), library.einsum("ij,kj->ik", a, a),
            F.mse_loss(a @ a.T, library.ones(2, 2)), library.cat([a, a @ a.T], 1), a.double() @ a.T.double(),
            nn.MultiheadAttention(4, 2)(*[library.ones(1, 2, 4)] * 3)[0],
        ]  # fmt: skip
        with library.autocast("cpu", enabled=False):
            found.append(a @ a.T)
    return [str(x.dtype) for x in [*found, a @ a.T, net[0].weight.grad]], losses


def test_autocast_has_pytorchs_dtypes_and_losses():
    import torch

    (here, losses), (there, wanted) = trained(face), trained(torch)
    assert here == there
    assert losses == pytest.approx(wanted, rel=1e-2)


LAYERS = [
    "LayerNorm(4)", "BatchNorm1d(4)", "GroupNorm(2,4)", "InstanceNorm1d(4,affine=True)", "RMSNorm(4)", "Linear(4,4)",
    "PReLU()", "GRU(4,4)", "RNN(4,4)", "GRUCell(4,4)", "LSTMCell(4,4)", "RNNCell(4,4)",
    "TransformerEncoderLayer(4,2,8,0.0)", "TransformerEncoderLayer(4,2,8,0.0,norm_first=True)", "MaxPool3d(1)",
    "AvgPool3d(1)", "ReflectionPad2d(1)", "MultiheadAttention(4,2)", "MSELoss()", "CrossEntropyLoss()",
]  # fmt: skip
FUNCTIONS = [
    "torch.mv(x,x[0])", "torch.linalg.multi_dot([x,x,x])", "torch.linalg.matrix_power(x,2)",
    "torch.linalg.vecdot(x,x)", "x@x[0]", "torch.bmm(v,v)", "torch.addmv(x[0],x,x[0])", "torch.inner(x,x)",
    "torch.einsum('ij,kj',x,x)", "torch.tensordot(x,x,1)", "torch.linalg.svdvals(x)", "torch.linalg.qr(x)[1]",
    "torch.linalg.inv(x+1.5*torch.eye(4,dtype=x.dtype))", "torch.fft.rfft(x)",
    "torch.linalg.solve(torch.eye(4,dtype=x.dtype),x)", "torch.linalg.eigvalsh(x)", "F.pad(v,(1,1),mode='reflect')",
    "F.pad(v,(1,1),mode='circular')", "F.pad(v,(1,1))", "F.max_pool3d(v[None,None],1)", "F.max_pool2d(v,1)",
    "x.index_copy(0,torch.arange(4),f)", "torch.cat([x,f])", "torch.stack([x,f])", "F.layer_norm(x,(4,),f[0])",
    "F.prelu(x,f[0,:1])", "F.batch_norm(x,f[0],f[1]*f[1],f[2],f[3])", "F.cosine_similarity(x,x)", "F.softmax(x,-1)",
    "x.exp()", "x.sum()", "x.prod(1)", "x.std()",
]  # fmt: skip


def dtypes(library: Any, text: str, half: bool, on: bool) -> str:
    """The dtype of the first result, or that it is refused."""
    x = library.linspace(-1, 1, 16).reshape(4, 4)
    x, f = x.bfloat16() if half else x, x
    space = {"torch": library, "F": library.nn.functional, "x": x, "f": f, "v": x[None]}
    try:
        with library.autocast("cpu", enabled=on):
            if text in LAYERS:
                given = {
                    "MultiheadAttention(4,2)": (x, x, x), "MSELoss()": (x, x), "CrossEntropyLoss()": (x, f.softmax(1)),
                }  # fmt: skip
                deep = "3d" in text or "2d" in text
                found = eval(f"torch.nn.{text}", space)(*given.get(text, (x[None, None] if deep else x,)))
            else:
                found = eval(text, space)
    except (RuntimeError, ValueError):
        return "refused"
    return str((found[0] if isinstance(found, tuple) else found).dtype)


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("half", [False, True])
def test_functions_and_layers_give_pytorchs_dtypes(half: bool, on: bool):
    import torch

    wanted = {text: dtypes(torch, text, half, on) for text in [*LAYERS, *FUNCTIONS]}
    found = {text: dtypes(face, text, half, on) for text in wanted}
    if half and not on:  # PyTorch has no kernels of halves for these
        wanted |= {k: found[k] for k in ("AvgPool3d(1)", "torch.fft.rfft(x)") if wanted[k] == "refused"}
    assert found == wanted


def test_recurrent_layers_take_what_autocast_made_of_their_input():
    lstm, sequences = face.nn.LSTM(4, 3), [face.ones(n, 4, dtype=face.bfloat16) for n in (3, 1)]
    packed = face.nn.utils.rnn.pack_sequence(sequences)
    with face.autocast("cpu"):
        out, (h, c) = lstm(face.ones(2, 5, 4), (face.zeros(1, 5, 3), face.zeros(1, 5, 3)))
        rows, _ = lstm(packed)
    assert {x.dtype for x in (out, h, c, rows.data)} == {face.bfloat16}
    (out.float().sum() + rows.data.float().sum()).backward()
    assert all(p.grad.dtype is face.float32 for p in lstm.parameters())
