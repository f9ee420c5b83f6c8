"""Operations of the Rust libraries rust-autograd and wyrm: what each is called here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F

RUST_AUTOGRAD = """
abs: tn.abs(x) | access_elem: x[1, 2] | acos: tn.acos(x / 9) | acosh: tn.acosh(x + 1) | add: x + y
add_n: sum([x, y, x]) | argmax: x.argmax(axis=1) | argmin: x.argmin(axis=1) | asin: tn.asin(x / 9)
asinh: tn.asinh(x) | assign: v.copy_(y) | atan: tn.atan(x) | atanh: tn.atanh(x / 9) | batch_matmul: b @ b.mT
batch_matmul_t: tn.bmm(b, b.mT) | batch_norm: F.batch_norm(x, None, None, training=True)
bernoulli: tn.bernoulli(x / 9) | ceil: tn.ceil(x) | clip: tn.clip(x, 1, 2) | concat: tn.concat([x, y])
conv2d: F.conv2d(image, kernel, padding=1, stride=2)
conv2d_transpose: F.conv_transpose2d(image, kernel.transpose(0, 1), padding=1, stride=2)
convert_to_tensor: tn.asarray(n) | cos: tn.cos(x) | cosh: tn.cosh(x) | digamma: tn.digamma(x)
dilated_conv2d: F.conv2d(image, kernel, dilation=2)
dilated_conv2d_transpose: F.conv_transpose2d(image, kernel.transpose(0, 1), dilation=2) | div: x / y
dropout: F.dropout(x) | elu: F.elu(x) | equal: x == y | exp: tn.exp(x) | exp10: 10 ** x | exp2: tn.exp2(x)
expand_dims: tn.expand_dims(x, axis=0) | flatten: x.flatten() | floor: tn.floor(x) | gather: tn.take(x, k, axis=1)
gather_common: x[:, k] | greater: x > y | grad: tn.autograd.grad((v * v).sum(), [v])[0] | greater_equal: x >= y
identity: x.clone() | inv: tn.reciprocal(x) | inv_sqrt: tn.rsqrt(x) | jacobians: tn.func.jacrev(lambda x: x * x)(x)
leaky_relu: F.leaky_relu(x, 0.1) | lesser: x < y | lesser_equal: x <= y | lgamma: tn.lgamma(x) | ln: tn.log(x)
log10: tn.log10(x) | log2: tn.log2(x) | log_normal: tn.distributions.LogNormal(0.0, 1.0).sample((2, 3))
log_softmax: tn.log_softmax(x, 1) | map: tn.vmap(tn.sin)(x) | matmul: x @ y.T
max_pool2d: F.max_pool2d(image, 2, 1, 1) | maximum: tn.maximum(x, y) | mean_all: x.mean()
mean_squared_error: F.mse_loss(x, y) | minimum: tn.minimum(x, y) | mul: x * y | neg: -x
normalize: (x - x.mean()) / x.std(correction=0) | not_equal: x != y | nth_tensor: tn.split(x, 1)[1]
ones: tn.ones(2, 3) | pow: x ** 2.5 | random_exp: tn.random.exponential((2, 3))
random_gamma: tn.distributions.Gamma(2.0, 1.0).sample((2, 3)) | random_normal: tn.normal(1.0, 2.0, (2, 3))
rank: x.ndim | random_uniform: tn.rand(2, 3) * 2 - 1 | reduce_logsumexp: tn.logsumexp(x, axis=1)
reduce_max: x.max(axis=1) | reduce_mean: x.mean(axis=1) | reduce_min: x.min(axis=1) | reduce_prod: x.prod(axis=1)
reduce_sum: x.sum(axis=1, keepdims=True) | reduce_variance: x.var(axis=1) | relu: tn.relu(x)
reshape: x.reshape(3, 2) | scalar: tn.tensor(2.0) | setdiff1d: tn.setdiff1d(k, k[:1]) | shape: x.shape
sigmoid: tn.sigmoid(x) | sign: tn.sign(x) | sin: tn.sin(x) | sinh: tn.sinh(x)
sigmoid_cross_entropy: F.binary_cross_entropy_with_logits(x, y / 9) | size: x.size | slice: x[:, 1:3]
softmax: tn.softmax(x, 1) | softmax_cross_entropy: F.cross_entropy(x, tn.softmax(y, 1)) | softplus: F.softplus(x)
split: tn.split(x, [1, 2], 1) | sparse_softmax_cross_entropy: F.cross_entropy(x, k[:2]) | sqrt: tn.sqrt(x)
square: tn.square(x) | squeeze: x[:1].squeeze(0) | standard_normal: tn.randn(2, 3) | standard_uniform: tn.rand(2, 3)
stop_gradient: x.detach() | sub: x - y | sum_all: x.sum() | tan: tn.tan(x) | tanh: tn.tanh(x)
tensordot: tn.tensordot(b, b, ([1, 2], [1, 2])) | tile: tn.tile(x, (2, 1)) | transpose: x.permute(1, 0)
zeros: tn.zeros(2, 3) | glorot_uniform: tn.nn.init.xavier_uniform_(v) | glorot_normal: tn.nn.init.xavier_normal_(v)
"""
WYRM = """
square: tn.square(x) | scalar_sum: x.sum() | ln: tn.log(x) | tanh: tn.tanh(x) | t: x.t() | exp: tn.exp(x)
relu: tn.relu(x) | softmax: tn.softmax(x, 1) | log_softmax: tn.log_softmax(x, 1) | sigmoid: tn.sigmoid(x)
vector_dot: tn.vecdot(x, y) | dot: x @ y.T | stack: tn.concat([x, y], axis=1) | slice: x[:, 1:]
index: F.embedding(k[:2], x) | clip: tn.clip(x, 1, 2) | sparse_categorical_crossentropy: F.cross_entropy(x, k[:2])
lstm_cell: tn.nn.LSTMCell(3, 4)(x) | lstm: tn.nn.LSTM(3, 4, batch_first=True)(x.reshape(1, 2, 3))
"""
LINES = [line for table in (RUST_AUTOGRAD, WYRM) for line in table.splitlines() if line]
ENTRIES = [entry.split(": ", 1) for line in LINES for entry in line.split(" | ")]


def context() -> dict[str, Any]:
    x = tn.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    made = {"x": x, "y": x + 0.5, "v": x.mut(), "k": tn.tensor([1, 0, 2]), "n": np.ones((2, 3)), "tn": tn, "F": F}
    return made | {"b": tn.ones(2, 3, 4), "image": tn.ones(1, 2, 6, 6), "kernel": tn.ones(3, 2, 3, 3)}


@pytest.mark.parametrize(("name", "expression"), ENTRIES, ids=[e[0] for e in ENTRIES])
def test_there_is_an_expression_for_it(name: str, expression: str) -> None:
    given = context()
    if name == "grad":
        given["v"] = tn.tensor([1.0, 2.0], requires_grad=True)
    found = eval(expression, given)
    if isinstance(found, tn.Tensor) and found.dtype.is_floating:
        assert np.isfinite(found.detach().numpy()).all()
