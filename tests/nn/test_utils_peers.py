"""Utilities of parameters beside PyTorch's: the same weights give the same outputs, gradients, keys and names."""

from __future__ import annotations

import copy
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
import tenure.torch as face
from tenure import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::FutureWarning")]
Make = Callable[[Any], Any]
X = np.random.default_rng(0).standard_normal((3, 4, 6))
LIBRARIES = (tn, torch)


def arrays(module: Any) -> dict[str, Any]:
    """The state of a module as arrays, of either library."""
    return {k: np.array(v.detach().tolist()) for k, v in module.state_dict().items()}


def pair(make: Make) -> tuple[Any, Any]:
    """The same module of both libraries, in float64, with PyTorch's numbers."""
    torch.manual_seed(1)
    theirs, ours = make(torch).double(), make(tn).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: tn.tensor(v) for k, v in arrays(theirs).items()})
    return ours, theirs


def outcome(lib: Any, module: Any, x: Any, steps: int = 2) -> list[Any]:
    """Outputs, gradients and state over some steps of gradient descent."""
    found: list[Any] = []
    for _ in range(steps):
        y = module(lib.tensor(x))
        (y * y).sum().backward()
        found.append(np.array(y.detach().tolist()))
        found += [np.array(p.grad.tolist()) for p in module.parameters()]
        with lib.no_grad():
            for p in module.parameters():
                p.sub_(0.01 * p.grad)
                p.grad = None
        found += list(arrays(module).values())
    return found


def same(ours: Any, theirs: Any, x: Any = X, **options: Any) -> None:
    for a, b in zip(outcome(tn, ours, x, **options), outcome(torch, theirs, x, **options), strict=True):
        assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert [k for k, _ in ours.named_parameters()] == [k for k, _ in theirs.named_parameters()]
    assert [k for k, _ in ours.named_buffers()] == [k for k, _ in theirs.named_buffers()]


CASES: list[Make] = [
    lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(6, 3)),
    lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(6, 3), dim=1),
    lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(6, 3), "weight", None),
    lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Conv1d(4, 2, 3), dim=-1),
    lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(6, 3)),
    lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.ConvTranspose1d(4, 2, 3), n_power_iterations=2),
    lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(6, 3), "bias"),
    lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(6, 3)),
    lambda lib: lib.nn.utils.weight_norm(lib.nn.Conv1d(4, 2, 3), dim=None),
    lambda lib: lib.nn.utils.spectral_norm(lib.nn.Linear(6, 3)),
    lambda lib: lib.nn.utils.spectral_norm(lib.nn.Conv1d(4, 2, 3), n_power_iterations=3, dim=1),
    lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(6, 3)),
    lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(6, 6)),
    lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(6, 8), orthogonal_map="cayley"),
    lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(6, 3), orthogonal_map="matrix_exp"),
    lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(6, 3), use_trivialization=False),
]


@pytest.mark.parametrize("k", range(len(CASES)))
def test_computed_weights(k: int) -> None:
    ours, theirs = pair(CASES[k])
    same(ours, theirs)
    same(ours.eval(), theirs.eval(), steps=1)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("k", [0, 4, 7, 9, 12])
def test_they_are_removed(k: int) -> None:
    ours, theirs = pair(CASES[k])
    for lib, m in zip(LIBRARIES, (ours, theirs), strict=True):
        if k == 7:
            lib.nn.utils.remove_weight_norm(m)
        elif k == 9:
            lib.nn.utils.remove_spectral_norm(m)
        else:
            lib.nn.utils.parametrize.remove_parametrizations(m, "weight")
    assert type(ours).__name__ == "Linear"
    same(ours, theirs)


def own(lib: Any) -> Any:
    """Parametrizations of one's own, one behind the other."""

    class Symmetric(lib.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).T

    class Scaled(lib.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scale = lib.nn.Parameter(lib.tensor(2.0))

        def forward(self, x: Any) -> Any:
            return x * self.scale

        def right_inverse(self, x: Any) -> Any:
            return x / self.scale

    layer = lib.nn.Linear(6, 6)
    lib.nn.utils.parametrize.register_parametrization(layer, "weight", Scaled())
    lib.nn.utils.parametrize.register_parametrization(layer, "bias", Scaled())
    lib.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


def test_parametrizations_of_ones_own() -> None:
    ours, theirs = pair(own)
    same(ours, theirs)
    assert repr(ours) == repr(theirs)
    for lib, m in zip(LIBRARIES, (ours, theirs), strict=True):
        assert lib.nn.utils.parametrize.is_parametrized(m, "weight")
        assert lib.nn.utils.parametrize.type_before_parametrizations(m) is lib.nn.Linear
        m.bias = lib.ones(6, dtype=lib.float64)
        with pytest.raises((RuntimeError, TypeError), match="right_inverse"):
            m.weight = lib.ones(6, 6, dtype=lib.float64)
        lib.nn.utils.parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)
        assert not lib.nn.utils.parametrize.is_parametrized(m, "weight")
    same(ours, theirs)


def test_a_cached_tensor_is_computed_once() -> None:
    for lib in LIBRARIES:
        layer, calls = lib.nn.Linear(2, 2), []

        class Counted(lib.nn.Module):  # type: ignore[misc,name-defined]
            def forward(self, x: Any, calls: Any = calls) -> Any:
                calls.append(1)
                return x * 1

        lib.nn.utils.parametrize.register_parametrization(layer, "weight", Counted())
        calls.clear()
        with lib.nn.utils.parametrize.cached(), lib.nn.utils.parametrize.cached():
            layer(layer(lib.ones(2)))
        assert len(calls) == 1
        layer(layer(lib.ones(2)))
        assert len(calls) == 3


def test_a_copy_has_parametrizations_of_its_own() -> None:
    layer = own(tn)
    twin = copy.deepcopy(layer)
    nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert type(layer.weight) is nn.Parameter and nn.utils.parametrize.is_parametrized(twin, "weight")
    assert_allclose(twin.weight.tolist(), layer.weight.tolist())


def test_a_state_of_the_older_weight_norm_is_loaded() -> None:
    old, new = (lib.weight_norm(nn.Linear(3, 2)) for lib in (nn.utils, nn.utils.parametrizations))
    new.load_state_dict(old.state_dict())
    assert_allclose(new.weight.tolist(), old(tn.eye(3)).T.tolist() - old.bias.detach().numpy()[:, None], rtol=1e-5)


def pruning(lib: Any) -> Any:
    """The functions that prune."""
    return importlib.import_module(f"{lib.__name__}.nn.utils.prune")


def pruned(lib: Any) -> Any:
    """A network, pruned in several ways."""
    prune = pruning(lib)
    net = lib.nn.Sequential(lib.nn.Linear(6, 5), lib.nn.Linear(5, 4), lib.nn.Conv1d(4, 2, 2))
    for k, p in enumerate(net.parameters()):
        with lib.no_grad():
            p.copy_(lib.tensor(np.random.default_rng(k).standard_normal(tuple(p.shape))))
    prune.l1_unstructured(net[0], "weight", 0.3)
    prune.ln_structured(net[0], "weight", 0.4, 2, 0)
    prune.l1_unstructured(net[0], "weight", 3)
    prune.l1_unstructured(net[0], "bias", 2, lib.tensor([3.0, 1.0, 2.0, 5.0, 4.0]))
    prune.ln_structured(net[2], "weight", 1, math.inf, -1)
    prune.custom_from_mask(net[1], "bias", lib.tensor([1, 0, 1, 1]))
    pairs = [(net[1], "weight"), (net[2], "weight")]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=7)
    prune.identity(net[2], "bias")
    return net


def test_pruning() -> None:
    ours, theirs = pair(pruned)
    same(ours, theirs)
    assert nn.utils.prune.is_pruned(ours)
    for lib, net in zip(LIBRARIES, (ours, theirs), strict=True):
        pruning(lib).remove(net[0], "weight")
        pruning(lib).remove(net[2], "weight")
        with pytest.raises(ValueError):
            pruning(lib).remove(net[2], "weight")
    same(ours, theirs)


def test_pruning_of_what_is_pruned_in_the_face() -> None:
    """Each method sees what the earlier ones have left."""
    found = []
    for lib in (face, torch):
        prune, layers = lib.nn.utils.prune, [lib.nn.Linear(4, 6), lib.nn.Linear(6, 3)]
        for k, layer in enumerate(layers):
            numbers = np.random.default_rng(k).standard_normal(layer.weight.shape).astype("f4")
            layer.weight.data.copy_(lib.from_numpy(numbers))
        pairs, scores = [(layer, "weight") for layer in layers], {(layers[0], "weight"): lib.arange(24.0).reshape(6, 4)}
        prune.l1_unstructured(layers[0], "weight", 0.4)
        prune.ln_structured(layers[1], "weight", 1, 2, 0)
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.2)
        prune.ln_structured(layers[0], "weight", 2, 1, -1)
        prune.ln_structured(layers[1], "weight", 1, 2, 0)
        prune.global_unstructured(pairs, prune.L1Unstructured, scores, amount=3)
        with pytest.raises(TypeError):
            prune.global_unstructured(pairs, prune.LnStructured, amount=1, n=2)
        with pytest.raises(AssertionError):
            prune.l1_unstructured(layers[0], "weight", 1, lib.ones(2))
        found.append([layer.weight_mask.tolist() for layer in layers])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: (lib.nn.Conv1d(4, 3, 2), lib.nn.BatchNorm1d(3), "conv"),
        lambda lib: (lib.nn.Conv1d(4, 3, 2, bias=False), lib.nn.BatchNorm1d(3, affine=False), "conv"),
        lambda lib: (lib.nn.ConvTranspose1d(4, 3, 2), lib.nn.BatchNorm1d(3, eps=0.1), "transposed"),
        lambda lib: (lib.nn.Linear(6, 4), lib.nn.BatchNorm1d(4), "linear"),
    ],
)
def test_fusion(make: Make) -> None:
    modules = pair(lambda lib: lib.nn.Sequential(*make(lib)[:2]))
    found = []
    for lib, net in zip(LIBRARIES, modules, strict=True):
        x = lib.tensor(X)
        net(x) if make(lib)[2] != "linear" else net(x[0])
        net.eval()
        x = x if make(lib)[2] != "linear" else x[0]
        if make(lib)[2] == "linear":
            fused = lib.nn.utils.fusion.fuse_linear_bn_eval(net[0], net[1])
        else:
            fused = lib.nn.utils.fusion.fuse_conv_bn_eval(net[0], net[1], make(lib)[2] == "transposed")
        assert_allclose(fused(x).tolist(), net(x).tolist(), rtol=1e-7, atol=1e-10)
        found.append([np.array(p.tolist()) for p in fused.parameters()])
        found[-1] += [p.requires_grad for p in fused.parameters()]
    for a, b in zip(*found, strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("order", [2.0, 1, 3.5, math.inf])
def test_norms_of_gradients(order: float) -> None:
    found: list[list[Any]] = []
    for lib in LIBRARIES:
        ps = [lib.nn.Parameter(lib.tensor(X[k])) for k in range(3)]
        (ps[0] * lib.tensor(X[1]) + ps[1] * 2).sum().backward()
        u = lib.nn.utils
        norm = u.get_total_norm([p.grad for p in ps[:2]], order, foreach=True)
        u.clip_grads_with_norm_(ps, 5.0, norm, foreach=False)
        again = u.clip_grad_norm_(ps, 3.0, order, error_if_nonfinite=True, foreach=None)
        u.clip_grad_value_(ps[0], 0.01, foreach=True)
        found.append([norm.item(), again.item(), *[p.grad.tolist() for p in ps[:2]]])
        with lib.no_grad():
            ps[0].grad[0, 0] = math.inf
        with pytest.raises((RuntimeError, ValueError)):
            u.clip_grad_norm_(ps, 1.0, order, error_if_nonfinite=True)
        assert u.get_total_norm([ps[0].grad]).item() == math.inf
    for a, b in zip(*found, strict=True):
        assert_allclose(a, b, rtol=1e-6)
