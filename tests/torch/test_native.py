"""Functions of ``torch`` below those of ``torch.nn.functional``, names that packages import, random streams: beside
PyTorch."""

from __future__ import annotations

import pickle
import re
from typing import Any, Generic, TypeVar

import pytest

import tenure.torch as face

real = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

T = TypeVar("T")
CALLS = """
adaptive_max_pool1d(x[None], 2)
max_pool1d_with_indices(x[None], 2)
affine_grid_generator(x[:, :3].reshape(1, 2, 3), (1, 1, 2, 3), False)
dropout(x, 0.5, False)
feature_dropout(x, 0.5, False)
alpha_dropout(x, 0.5, False)
embedding(x, torch.tensor([[1, 0], [1, 1]]))
embedding(x, torch.tensor([1]), 0)
constant_pad_nd(x, (1, 2), 3.0)
batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False)
instance_norm(x[None], None, None, None, None, True, 0.1, 1e-5, False)
grid_sampler(x[None, None], torch.zeros(1, 1, 2, 2), 0, 1, True)
native_layer_norm(x, (4,), None, None, 1e-5)
native_layer_norm(x, (4,), x[0], x[1], 1e-5)
binary_cross_entropy_with_logits(x, x.sigmoid())
binary_cross_entropy_with_logits(x, x.sigmoid(), None, None, 0)
cosine_embedding_loss(x, x.flip(0), torch.tensor([1.0, -1.0]), 0.1, 2)
hinge_embedding_loss(x, x.sign())
kl_div(x, x.exp(), 2)
kl_div(x, x.exp())
cosine_embedding_loss(x, x.flip(0), torch.tensor([1.0, -1.0]))
margin_ranking_loss(x[0], x[1], x[0].sign())
kl_div(x, x, 1, log_target=True)
margin_ranking_loss(x[0], x[1], x[0].sign(), 0.5, 0)
poisson_nll_loss(x, x.exp(), True, False, 1e-8, 1)
triplet_margin_loss(x, x + 1, x * 2)
nn.functional.max_pool2d_with_indices(x[None], 2)
nn.functional.adaptive_max_pool1d_with_indices(x[None], 2)
selu_(x.clone())
celu_(x.clone())
threshold_(x.clone(), 0.1, 7.0)
functional.tensordot(x, x, 1 + 1)
torch.einsum("ij->j", x)
nn.utils.fusion.fuse_conv_bn_weights(x[None], None, x[0][:1], x[1][:1] + 3, 1e-5, x[1][:1], x[0][:1])
is_autocast_enabled()
get_autocast_dtype("cpu")
cuda._initialized
sym_int(3.7)
""".strip().splitlines()


def shown(torch: Any, call: str) -> Any:
    x = torch.arange(8.0).reshape(2, 4).sin()
    found = eval(f"torch.{call}", {"torch": torch, "x": x})
    return [y.tolist() if hasattr(y, "tolist") else str(y) for y in (found if isinstance(found, tuple) else [found])]


@pytest.mark.parametrize("call", CALLS)
def test_the_same_numbers(call: str) -> None:
    assert near(shown(face, call), shown(real, call))


def near(a: Any, b: Any) -> bool:
    if isinstance(b, list):
        return len(a) == len(b) and all(near(x, y) for x, y in zip(a, b, strict=True))
    if not isinstance(b, float):
        return bool(a == b)
    return bool(a == pytest.approx(b, rel=1e-5, abs=1e-6))


def test_a_reduction_that_is_none() -> None:
    with pytest.raises(RuntimeError, match="reduction"):
        face.kl_div(face.ones(2), face.ones(2), 3)


OLDER = """
y.add_(2, y.cos())
y.add(0.5, y)
torch.sub(y, 3, y.sin())
y.addcmul_(2.5, y.sin(), y.cos())
torch.addcdiv(y, -1, y, y.exp())
""".strip().splitlines()


@pytest.mark.filterwarnings("ignore:This overload")
@pytest.mark.parametrize("call", OLDER)
def test_a_factor_in_front_of_what_it_multiplies(call: str) -> None:
    one, other = (eval(call, {"torch": torch, "y": torch.arange(1.0, 5.0)}).tolist() for torch in (face, real))
    assert near(one, other)


def test_too_many_arguments_are_too_many() -> None:
    x = face.ones(2)
    for call in (lambda: x.add(1, x, x), lambda: x.add(x, x), lambda: x.addcmul(x, x, x)):
        with pytest.raises(TypeError):
            call()


def test_a_generic_module() -> None:
    for torch in (face, real):

        class Holder(torch.nn.Module, Generic[T]):
            def forward(self, x: Any) -> Any:
                return x

        assert Holder[int]()(3) == 3


IMPORTS = """
from torch.serialization import MAP_LOCATION
from torch.distributions.distribution import Distribution
from torch.distributions.utils import _standard_normal, _sum_rightmost
from torch.utils.checkpoint import get_device_states, set_device_states
from torch.nn.modules.transformer import _get_activation_fn
from torch.types import Number, Device
from torch.functional import einsum
import torch.distributions.chi2
""".strip().splitlines()


@pytest.mark.parametrize("line", IMPORTS)
def test_what_packages_import_is_there(line: str) -> None:
    exec(line, {})
    exec(re.sub(r"\btorch\b", "tenure.torch", line, count=1), {})


def test_what_is_a_room_of_its_own_is_an_attribute_of_its_package() -> None:
    for torch in (face, real):
        assert torch.distributions.distribution.Distribution is torch.distributions.Distribution
        assert torch.nn.utils.clip_grad.clip_grad_norm_ is torch.nn.utils.clip_grad_norm_


def test_a_generator() -> None:
    for torch in (face, real):
        g = torch.Generator(device="cpu")
        assert g.initial_seed() == real.Generator().initial_seed() and g.device == torch.device("cpu")
        assert g.manual_seed(3) is g
        state = g.get_state()
        first = torch.rand(4, generator=g)
        assert torch.equal(first, torch.rand(4, generator=g.set_state(state)))
        assert torch.equal(first, torch.rand(4, generator=torch.Generator().manual_seed(3)))
        with pytest.raises(RuntimeError):
            torch.Generator("cuda")
    other = pickle.loads(pickle.dumps(g := face.Generator().manual_seed(5)))
    assert face.equal(face.rand(2, generator=g), face.rand(2, generator=other))


def test_a_hook_behind_the_sum_of_a_gradient() -> None:
    for torch in (face, real):
        seen = []

        def hook(p: Any, seen: list[Any] = seen) -> None:
            seen.append(p.grad.tolist())
            p.grad = None

        w = torch.tensor([1.0, 2.0], requires_grad=True)
        handle = w.register_post_accumulate_grad_hook(hook)
        (w * w + w).sum().backward()
        assert seen == [[3.0, 5.0]] and w.grad is None
        handle.remove()
        w.sum().backward()
        assert len(seen) == 1 and w.grad.tolist() == [1.0, 1.0]
        with pytest.raises(RuntimeError, match="non-leaf"):
            (w * 2).register_post_accumulate_grad_hook(hook)
        with pytest.raises(RuntimeError, match="require"):
            torch.ones(1).register_post_accumulate_grad_hook(hook)
