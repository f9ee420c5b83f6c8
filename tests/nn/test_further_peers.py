"""Layers beside PyTorch's that the other files leave out: values, gradients, state_dicts in both directions."""

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tests.nn.test_layers_peers import leaves, same
from tests.nn.test_nn_peers import close
from tests.nn.test_transformer_peers import exchanged, normal

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
SAMPLES = np.random.default_rng(1).uniform(size=(2, 3, 3)).astype("float32")
LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], list[tuple[int, ...]]]] = [
    ("Bilinear", (3, 4, 5), {}, [(2, 6, 3), (2, 6, 4)]),
    ("Bilinear", (3, 4, 5), {"bias": False}, [(3,), (4,)]),
    ("PairwiseDistance", (), {"p": 1.0, "keepdim": True}, [(5, 3), (5, 3)]),
    ("CosineSimilarity", (), {"dim": 0}, [(5, 3), (5, 3)]),
    ("Unflatten", (1, (2, -1)), {}, [(3, 6)]),
    ("Softmax2d", (), {}, [(3, 2, 2)]),
    ("Softmax2d", (), {}, [(2, 3, 2, 2)]),
    ("RReLU", (0.1, 0.4), {}, [(4, 5)]),
    ("AlphaDropout", (0.3,), {}, [(4, 5)]),
    ("BatchNorm1d", (3,), {"affine": False}, [(4, 3)]),
    ("InstanceNorm2d", (3,), {"affine": True}, [(2, 3, 4, 4)]),
]


@pytest.mark.parametrize(("name", "args", "given", "shapes"), LAYERS, ids=[f"{x[0]} {x[2]}" for x in LAYERS])
def test_layers(name: str, args: tuple[Any, ...], given: dict[str, Any], shapes: list[tuple[int, ...]]) -> None:
    theirs, ours = getattr(torch.nn, name)(*args, **given).eval(), getattr(nn, name)(*args, **given).eval()
    exchanged(theirs, ours)
    a, b = zip(*[leaves(normal(*s, seed=k)) for k, s in enumerate(shapes)], strict=True)
    same(ours(*b), theirs(*a), [*b, *ours.parameters()], [*a, *theirs.parameters()], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("size", [{"output_size": 3}, {"output_ratio": 0.6}, {"output_size": 1}])
def test_fractional_pooling(n: int, size: dict[str, Any]) -> None:
    a, b = leaves(normal(2, 3, *[7, 6, 5][:n]))
    draws = SAMPLES[..., :n].copy()

    def pooled(lib: Any, x: Any, make: Any) -> Any:
        return getattr(lib, f"FractionalMaxPool{n}d")(2, return_indices=True, _random_samples=make(draws), **size)(x)

    first, places = pooled(torch.nn, a, torch.tensor)
    second, at = pooled(nn, b, tn.tensor)
    close(at, places)
    same(second, first, [b], [a])
    assert getattr(F, f"fractional_max_pool{n}d")(b[0], 2, **size).shape == first[0].shape


@pytest.mark.parametrize("head_bias", [False, True])
def test_adaptive_softmax(head_bias: bool) -> None:
    form = {"div_value": 2.0, "head_bias": head_bias}
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10, 15], **form)
    ours = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10, 15], **form)
    exchanged(theirs, ours)
    a, b = leaves(normal(6, 8))
    target = np.array([0, 19, 3, 11, 12, 0])
    first, second = theirs(a, torch.tensor(target)), ours(b, tn.tensor(target))
    close(second.output, first.output)
    used = [p for k, p in enumerate(ours.parameters()) if [*theirs.parameters()][k].grad is None]
    assert used
    first.loss.backward()
    second.loss.backward()
    close(b.grad, a.grad)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert p.grad is not None or q.grad is None
        if q.grad is not None:
            close(p.grad, q.grad)
    close(ours.log_prob(b), theirs.log_prob(a), atol=1e-5)
    close(ours.predict(b), theirs.predict(a))
    close(ours(b[0], tn.tensor(7)).output, theirs(a[0], torch.tensor(7)).output)


@pytest.mark.parametrize("size", [3, 4])
def test_an_older_name(size: int) -> None:
    a, b = leaves(normal(2, 7, 2, 3))  # PyTorch's gradient is not that of its values
    form = {"alpha": 0.3, "beta": 0.5, "k": 1.5}
    close(nn.CrossMapLRN2d(size, **form)(b), torch.nn.CrossMapLRN2d(size, **form)(a), rtol=1e-4)


def test_dropout_that_keeps_mean_and_variance() -> None:
    x = tn.randn(20000, generator=tn.Generator(1))
    y = F.alpha_dropout(x, 0.2, training=True)
    assert abs(y.mean().item()) < 0.05 and abs(y.var(correction=0).item() - 1) < 0.05
    z = F.feature_alpha_dropout(tn.ones(4, 50, 3), 0.5, training=True)
    assert bool((z == z[..., :1]).all()) and len(np.unique(z.numpy())) == 2
    p = torch.nn.functional.feature_alpha_dropout(torch.ones(4, 50, 3), 0.5, training=True)
    np.testing.assert_allclose(np.unique(z.numpy()), np.unique(p.numpy()), rtol=1e-5)


def test_random_slopes_and_samples() -> None:
    x = tn.tensor([-1.0] * 1000, requires_grad=True)
    y = nn.RReLU(0.2, 0.4)(x)
    y.sum().backward()
    assert -0.4 <= y.min().item() < -0.38 and -0.22 < y.max().item() <= -0.2
    np.testing.assert_array_equal(-x.grad.numpy(), y.detach().numpy())
    logits = tn.tensor([[2.0, 0.0, 1.0]] * 4000, requires_grad=True)
    hard = F.gumbel_softmax(logits, tau=0.5, hard=True)
    np.testing.assert_allclose(hard.detach().numpy().mean(0), [0.665, 0.09, 0.245], atol=0.03)
    assert len(np.unique(hard.detach().numpy().round(5))) == 2
    (hard * tn.arange(3)).sum().backward()
    assert float(logits.grad.abs().sum()) > 0


def test_one_process_and_one_device() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm1d(4), nn.InstanceNorm2d(3)))
    weight, x = net[1].weight, tn.rand(2, 2, 3, 3)
    expected = net[:2](x).detach()
    net[1].reset_running_stats()
    twin = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert twin is net and [type(m).__name__ for m in net[2]] == ["SyncBatchNorm", "InstanceNorm2d"]
    assert net[1].weight is weight
    np.testing.assert_allclose(net[:2](x).detach().numpy(), expected.numpy(), rtol=1e-5)
    wrapped = nn.DataParallel(nn.Linear(2, 1))
    assert list(wrapped.state_dict()) == list(torch.nn.DataParallel(torch.nn.Linear(2, 1)).state_dict())
    with pytest.raises(tn.DTypeError, match="no device"):
        nn.DataParallel(nn.Linear(2, 1), device_ids=[0])
