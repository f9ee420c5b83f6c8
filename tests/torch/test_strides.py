"""Strides of results that are no element for element of their operands: which order of axes PyTorch gives them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers
EXPRESSIONS = """
F.scaled_dot_product_attention(q,k,v)
F.scaled_dot_product_attention(q,k,v,attn_mask=t.zeros(5,5))
F.scaled_dot_product_attention(q.contiguous(),k,v)
F.scaled_dot_product_attention(q,k,v,dropout_p=0.1)
x.sort()[0]
x.sort(0)[1]
x.argsort(1)
m.topk(2,0)[1]
m[[0,1]]
x[:,[0,1]]
x[:,:,[0,1]]
x[[0,1],:,[1,0]]
x[t.tensor([[0,1],[1,0]])]
x[:,t.tensor([[0,1],[1,0]])]
x[:,t.tensor([True,False,True])]
x[1:,t.tensor([0,1])]
x[...,t.tensor([0,1])]
c[t.tensor([0,1])[:,None],t.tensor([0,1,2])]
m.index_fill(0,t.tensor([0,1]),1.)
m.index_put((t.tensor([0]),),t.tensor(1.))
m.scatter_add(0,t.zeros(2,3,dtype=t.int64).t(),t.ones(3,2))
x.rot90()
c.rot90(3,(1,2))
x.fliplr()
m.roll(1,0)
x.diff()
t.einsum('bij,bkj->kbi',x,x)
t.einsum('bij,bkj->bik',x,x)
t.einsum('bchw,dc->bdhw',t.ones(2,3,4,5),t.ones(6,3))
t.einsum('ij->ji',c[0])
F.max_pool2d(q,2,return_indices=True)[1]
F.max_pool2d(t.ones(2,4,4,3).permute(0,3,1,2),2,return_indices=True)[1]
t.einsum('bhij,bhjd->bihd',q@k.mT,v)
t.einsum('nhd,hde->nhe',x,t.ones(3,2,5))
t.linalg.inv(s)
t.linalg.cholesky(s)
t.linalg.qr(c)[0]
t.linalg.qr(c)[1]
t.linalg.svd(c)[0]
t.linalg.svd(c,full_matrices=False)[2]
t.svd(c)[2]
t.linalg.eigh(s)[1]
t.linalg.solve(s,t.ones(3,2))
t.linalg.solve(s,t.ones(2,3),left=False)
t.linalg.solve_triangular(s,t.ones(3,2),upper=True)
t.linalg.lu(s)[1]
t.linalg.lu_factor(s)[0]
t.linalg.pinv(m)
t.linalg.matrix_power(s,-1)
t.cholesky_solve(t.ones(3,2),s)
t.fft.fft(x)
t.fft.fft(c,dim=0)
t.fft.fftn(x)
t.fft.fft2(c,dim=(1,0))
t.fft.rfft(c,dim=1)
t.fft.rfftn(c,dim=(0,2))
t.fft.irfft2(c+0j,dim=(0,1))
t.fft.fft(x,n=8)
t.stft(t.ones(2,32),8,return_complex=True,window=t.ones(8))
t.nonzero(c)
t.argwhere(m>0)
F.mse_loss(m,m,reduction='none')
F.kl_div(m,m,reduction='none')
nn.BCEWithLogitsLoss(reduction='none')(m,m)
F.cross_entropy(x,t.zeros(4,2,dtype=t.int64),reduction='none')
F.glu(x,2)
nn.GLU(2)(x)
F.local_response_norm(x,2)
F.softmax(m,1)
copy.deepcopy(m)
t.tensor(m)
nn.LSTM(3,4,batch_first=True)(t.ones(2,5,3))[0]
nn.LSTM(3,4)(t.ones(2,5,3))[0]
nn.LSTM(3,4,batch_first=True)(t.ones(2,5,3))[1][0]
nn.GRU(3,4,batch_first=True,bidirectional=True)(t.ones(2,5,3))[0]
nn.MultiheadAttention(4,2,batch_first=True)(t.ones(2,5,4),t.ones(2,5,4),t.ones(2,5,4))[0]
nn.MultiheadAttention(4,2)(t.ones(2,5,4),t.ones(2,5,4),t.ones(2,5,4))[0]
nn.utils.rnn.pad_packed_sequence(nn.utils.rnn.pack_padded_sequence(t.ones(2,5,3),[5,3],True),True)[0]
""".strip().splitlines()


def strides(t: Any, expression: str) -> Any:
    """Shape, and the steps of axes of more than one element."""
    import copy

    q = t.arange(120.0).view(2, 5, 3, 4).transpose(1, 2) / 100
    names = {"t": t, "F": t.nn.functional, "nn": t.nn, "copy": copy, "q": q, "k": q + 1, "v": q * 2,
             "x": t.arange(24.0).reshape(2, 3, 4).transpose(0, 2), "m": (t.arange(6.0).reshape(2, 3) / 7).t(),
             "c": t.arange(24.0).reshape(2, 4, 3) + 1, "s": t.eye(3) * 2 + t.ones(3, 3)}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = eval(expression, names)
    return tuple(y.shape), [step for step, n in zip(y.stride(), y.shape, strict=True) if n > 1]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_results_have_pytorchs_strides(expression):
    torch = pytest.importorskip("torch")
    assert strides(face, expression) == strides(torch, expression)


def test_attention_is_viewed_by_heads():
    q = face.ones(2, 5, 3, 4).transpose(1, 2)
    assert face.nn.functional.scaled_dot_product_attention(q, q, q).transpose(1, 2).view(2, 5, 12).shape == (2, 5, 12)
