"""Kinds of failures that whole programs have shown: defaults of dtypes, shared memory, keywords, packed sequences."""

from __future__ import annotations

import multiprocessing
import warnings
from typing import Any

import pytest

import tenure.torch as torch
from tenure.torch import distributions, nn
from tenure.torch.nn import functional as F
from tenure.torch.nn.utils import rnn


@pytest.fixture
def in_double() -> Any:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_layers_and_distributions_are_in_the_default_dtype(in_double: Any) -> None:
    with pytest.warns(UserWarning, match="enable_nested_tensor"):
        transformer = nn.Transformer(4, 1, 1, 1, 4)
    for layer in (nn.Linear(2, 3), nn.Conv1d(1, 1, 2), nn.LSTM(2, 2), nn.BatchNorm1d(2), transformer):
        assert {p.dtype for p in layer.parameters()} == {torch.float64}
    assert nn.Linear(2, 3, True, None, torch.float32).weight.dtype is torch.float32
    assert nn.Linear(2, 3, dtype=torch.float32).weight.dtype is torch.float32
    for d in (distributions.Normal(0.0, 1.0), distributions.Gamma(1, 2.0), distributions.LogNormal(0.0, 1.0)):
        assert d.sample().dtype is d.mean.dtype is torch.float64
    assert distributions.Normal(torch.zeros(1, dtype=torch.float32), 1.0).sample().dtype is torch.float32
    assert str(distributions.Uniform(0.0, 2.0).support) == "Interval(lower_bound=0.0, upper_bound=2.0)"


def adding(x: Any, steps: int) -> None:
    for _ in range(steps):
        x += 1


def test_forked_processes_share_what_is_in_shared_memory() -> None:
    x, model = torch.zeros(3).share_memory_(), nn.Linear(2, 1).share_memory()
    view = x[1:]
    assert x.is_shared() and view.is_shared() and model.weight.is_shared() and not torch.zeros(1).is_shared()
    fork = multiprocessing.get_context("fork")

    def work() -> None:
        adding(x, 3)
        x[1:].mul_(2)
        with torch.no_grad():
            model.weight.fill_(5.0)

    child = fork.Process(target=work)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert x.tolist() == [3.0, 6.0, 6.0] and view.tolist() == [6.0, 6.0]
    assert model.weight.tolist() == [[5.0, 5.0]] and model.weight.is_leaf and model.weight.requires_grad
    model(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert model.weight.tolist() == [[4.0, 4.0]]


def test_sizes_and_axes_have_their_names() -> None:
    x = torch.arange(6.0).view(2, 3)
    assert x.reshape(shape=(3, 2)).shape == x.view(size=[3, 2]).shape == x.permute(dims=(1, 0)).shape == (3, 2)
    assert x.expand(size=(2, 2, 3)).shape == (2, 2, 3) and x.view(dtype=torch.int32).dtype is torch.int32
    assert torch.randint_like(x, high=2).max() < 2
    for wrong in (lambda: x.view(shape=6), lambda: x.reshape(size=6), lambda: x.permute(order=(1, 0))):
        with pytest.raises(TypeError, match="unexpected keyword"):
            wrong()
    assert "mT" in dir(torch.ones(2))


def test_losses_are_broadcast_with_a_warning() -> None:
    x, y = torch.arange(3.0, requires_grad=True), torch.arange(3.0)[:, None]
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, nn.MSELoss(), nn.L1Loss()):
        with pytest.warns(UserWarning, match="different to the input size"):
            found = loss(x, y)
        assert torch.equal(found, loss(x.expand(3, 3), y.expand(3, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.mse_loss(x, x * 2)


def test_a_packed_sequence_holds_tensors() -> None:
    x = torch.arange(12.0).view(3, 4).requires_grad_()
    packed = rnn.pack_padded_sequence(x, torch.tensor([2, 4, 1]), batch_first=True, enforce_sorted=False)
    assert type(packed.data) is torch.Tensor and isinstance(packed, rnn.PackedSequence)
    again = rnn.PackedSequence(packed.data * 1, *packed[1:])
    padded, lengths = rnn.pad_packed_sequence(again, batch_first=True)
    padded.sum().backward()
    assert x.grad is not None and x.grad.sum() == 7 and lengths.tolist() == [2, 4, 1]
    assert packed.double().data.dtype is packed.to(torch.float64).data.dtype is torch.float64


def test_a_fake_quantization_passes_the_gradient_within_its_range() -> None:
    x = torch.tensor([-2.0, 0.04, 0.26, 3.0], requires_grad=True)
    y = torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -8, 7)
    y.sum().backward()
    assert torch.allclose(y, torch.tensor([-0.8, 0.0, 0.3, 0.7])) and x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_an_index_of_bytes_is_a_mask() -> None:
    x, m = torch.arange(9.0).view(3, 3), torch.tensor([1, 0, 1], dtype=torch.uint8)
    mask = m.bool()
    pairs = [(m, mask), (m.numpy(), mask), ((slice(None), m), (slice(None), mask)), ((m, 0), (mask, 0)),
             (x.gt(3).byte(), x > 3), (m[0], mask[0])]  # fmt: skip
    for i, j in pairs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert torch.equal(x[i], x[j])
            y, z = x.clone(), x.clone()
            y[i] += 5
            z[j] += 5
            assert torch.equal(y, z)
            with pytest.raises(RuntimeError, match="only supports boolean masks"):
                y[i] = 1.0
    with pytest.raises(IndexError, match="must be long, int, byte or bool"):
        x[m.short()]
    with pytest.raises(RuntimeError, match="Expected dtype int32 or int64"):
        x.index_select(0, m)


def test_a_state_of_random_numbers_is_bytes() -> None:
    g = torch.Generator()
    for get, put, draw in (
        (torch.get_rng_state, torch.set_rng_state, lambda: torch.rand(3)),
        (g.get_state, g.set_state, lambda: torch.rand(3, generator=g)),
    ):
        state = get()
        assert state.dtype is torch.uint8
        first = draw()
        put(state.cpu().type(torch.ByteTensor))
        assert torch.equal(draw(), first)
        for wrong, error in ((3, TypeError), (torch.zeros(16), TypeError), (state[:4], RuntimeError)):
            with pytest.raises(error):
                put(wrong)


def test_an_optimizer_refuses_a_state_of_other_groups_in_pytorchs_classes() -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 3).parameters(), 0.1)
    for wrong, error, text in (
        ({}, KeyError, "param_groups"),
        ({"state": {}, "param_groups": []}, ValueError, "different number of parameter groups"),
        ({"state": {}, "param_groups": [{"params": [0]}]}, ValueError, "doesn't match the size"),
    ):
        with pytest.raises(error, match=text):
            optimizer.load_state_dict(wrong)
    optimizer.load_state_dict(optimizer.state_dict())
