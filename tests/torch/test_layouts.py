"""Geometry of the face's results: which order of axes they have, and what a part of an overlapping view writes."""

import pytest

import tenure.torch as face
from tests.torch.law.runner import run

pytestmark = pytest.mark.peers
RESULTS = """
x.clone()  x.clone(memory_format=t.contiguous_format)  x.clone(memory_format=t.preserve_format)  t.zeros_like(x)
t.ones_like(x,memory_format=t.contiguous_format)  t.full_like(x,2.)  t.rand_like(x)  x.double()  x.to(t.float64)
x.long()  x.type(t.float64)  -x  x*1  1-x  x//1  x==x  x**2  t.exp(x)  x.round()  x.isnan()  t.where(x>0,x,x)
x.masked_fill(x>0,1.)
t.relu(x)  t.nn.functional.dropout(x,.5)  x.flip(0)  x.sum(0)  t.cat([x,x])  t.stack([x,x])  x[:,::2].clone()
x[1]+x[0]  x.contiguous()  x.mT.clone()  x.expand(2,4,3,2).clone()  x.new_zeros(2,3)  t.softmax(x,-1)
"""
MENDED = (5020, 5064, 5074, 5100, 5101, 5188, 5196, 5210, 5229, 5304, 5307, 5320, 5331, 5397)
"""Programs that once differed from PyTorch under its aliasing."""


@pytest.mark.parametrize("made", RESULTS.split())
def test_results_have_pytorchs_strides(made):
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, face):
        inputs = (t.zeros(2, 3, 4).transpose(0, 2), t.zeros(2, 3).unfold(0, 2, 1), t.zeros(3, 1).expand(3, 4))
        for x in inputs[: 3 if "[" not in made and "expand" not in made and "mT" not in made else 1]:
            y = eval(made, {"t": t, "x": x})
            found.append([step for step, n in zip(y.stride(), y.shape, strict=True) if n > 1])
    assert found[: len(found) // 2] == found[len(found) // 2 :]


def test_programs_that_once_differed_are_pytorchs():
    counts, bad = run("plain", MENDED, "pytorch")
    assert counts["programs"] == len(MENDED)
    assert not bad


def test_a_place_of_an_overlapping_view_is_written_alone():
    torch = pytest.importorskip("torch")
    found = []
    with face.aliasing("pytorch"):
        for t in (torch, face):
            x = t.arange(4.0)
            u, e = x.unfold(0, 2, 1), x.view(4, 1).expand(4, 3)
            u[1, 0] = 9
            e[2, 1] = 7
            u[0][1].fill_(5)
            w = t.ones(3, requires_grad=True)
            y = w * 2
            y.unfold(0, 2, 1)[0] = w[0] * 3
            y.sum().backward()
            found.append([x.tolist(), u.tolist(), e.tolist(), w.grad.tolist()])
    assert found[0] == found[1]


@pytest.mark.parametrize("key", [slice(None, None, -1), (0, slice(2, 0, -1))], ids=str)
def test_a_slice_does_not_step_backwards(key):
    x = face.zeros(3, 3)
    for _ in range(2):
        with pytest.raises(ValueError, match="step must be greater than zero"):
            x[key]
        with pytest.raises(ValueError, match="step must be greater than zero"):
            x[key] = 1.0


def test_views_keep_their_graph_when_their_base_leaves_it():
    x = face.ones(3, requires_grad=True) * 2
    v = x[:2]
    x.detach_()
    assert v.requires_grad
    assert not v.is_leaf
    with pytest.raises(RuntimeError, match="a view of a leaf"):
        v.mul_(2)
    y = face.ones(3, requires_grad=True) * 2
    y.grad = face.ones(3)
    y.retain_grad()
    first = y.grad
    y.sum().backward()
    assert y.grad is not first
    assert y.grad.tolist() == [2.0, 2.0, 2.0]


FORMATS = """
x.is_contiguous(memory_format=f)  x.contiguous(memory_format=f)  x.clone(memory_format=f)  x.to(memory_format=f)
x.double(memory_format=f)  t.zeros_like(x,memory_format=f)  t.empty(x.shape,memory_format=f)
"""
FOLLOWING = """
F.conv2d(x,w)  F.conv2d(c,w.to(memory_format=f))  F.conv_transpose2d(x,w)  F.max_pool2d(x,2)  F.adaptive_avg_pool2d(x,2)
F.batch_norm(x,None,None,training=True)  F.group_norm(x,2)  F.instance_norm(x)  F.interpolate(x,scale_factor=2)
F.pad(x,(1,1,1,1))  t.cat([x,x],1)  t.cat([x,c],1)  F.relu(x)  F.gelu(x)  F.pixel_shuffle(x,2)  F.softmax(x,1)  x*c  c*x
nn.Conv2d(4,3,3)(x)  nn.Conv2d(4,3,3).to(memory_format=f)(c)  nn.BatchNorm2d(4)(x)  nn.ReLU()(x)  nn.MaxPool2d(2)(x)
nn.Conv2d(4,3,3).to(memory_format=f).weight  nn.Sequential(nn.Conv2d(4,4,3),nn.SiLU())(x)  nn.GELU()(x.mT)
x[0,0].T@x[0,0]  x[0].permute(0,2,1)@x[0]  F.normalize(x)
"""


def told(t, made, **names):
    """What an expression gives: strides and formats, or the words of its error."""
    try:
        y = eval(made, {"t": t, "nn": t.nn, "F": t.nn.functional, **names})
    except RuntimeError as error:
        return str(error).splitlines()[0]
    if isinstance(y, bool):
        return y
    return y.stride(), [y.is_contiguous(memory_format=f) for f in (t.channels_last, t.channels_last_3d)]


@pytest.mark.parametrize("made", FORMATS.split())
def test_memory_formats_are_pytorchs(made):
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, face):
        shapes = (2, 3, 4, 5), (2, 1, 4, 5), (2, 3, 1, 1), (2, 3, 0, 5), (3, 4), (2, 3, 2, 4, 5)
        inputs = [t.zeros(shape) for shape in shapes] + [t.zeros(2, 3, 4, 5).permute(0, 3, 1, 2), t.zeros(3, 4).t()]
        formats = (t.channels_last, t.channels_last_3d, t.contiguous_format)
        found.append([told(t, made, x=x, f=f) for x in inputs for f in formats])
    assert found[0] == found[1]


@pytest.mark.parametrize("made", FOLLOWING.split())
def test_results_follow_the_memory_format_of_their_operands(made):
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, face):
        c, w, f = t.ones(2, 4, 6, 6), t.ones(4, 4, 3, 3), t.channels_last
        found.append(told(t, made, x=c.to(memory_format=f), c=c, w=w, f=f))
    assert found[0] == found[1]


def test_gradients_have_the_strides_of_their_leaf():
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, face):
        layer = t.nn.Conv2d(4, 3, 3).to(memory_format=t.channels_last)
        x = t.ones(2, 4, 6, 6).to(memory_format=t.channels_last).requires_grad_()
        for _ in range(2):
            layer(x).sum().backward()
        found.append([y.grad.stride() for y in (x, layer.weight, layer.bias)])
    assert found[0] == found[1]
