"""Layers, activations, losses and clipping beside PyTorch's: values, gradients, state_dicts."""

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tests.nn.test_nn_peers import both, close

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

SHAPES: dict[str, tuple[int, ...]] = {"vector": (40,), "matrix": (5, 8)}
FUNCTIONS: dict[str, dict[str, Any]] = {
    "gelu": {},
    "gelu ": {"approximate": "tanh"},
    "sigmoid": {},
    "silu": {},
    "softplus": {},
    "softplus ": {"beta": 2.0, "threshold": 1.0},
    "logsigmoid": {},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 0.7},
}


def leaves(array: Any) -> tuple[Any, Any]:
    return torch.tensor(array, requires_grad=True), tn.tensor(array, requires_grad=True)


def same(ours: Any, theirs: Any, b: Any, a: Any, **tolerance: float) -> None:
    """Equal values, and equal gradients of a weighted sum."""
    close(ours, theirs, **tolerance)
    rng = np.random.default_rng(9)
    w = rng.normal(size=tuple(theirs.shape)).astype(str(theirs.dtype).split(".")[1])
    (theirs * torch.tensor(w)).sum().backward()
    (ours * tn.tensor(w)).sum().backward()
    for x, y in zip(b, a, strict=True):
        close(x.grad, y.grad, **tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations(name: str, dtype: str) -> None:
    x = np.concatenate([np.linspace(-30, 30, 61), np.linspace(-2, 2, 41)]).astype(dtype)
    a, b = leaves(x)
    theirs = getattr(torch.nn.functional, name.strip())(a, **FUNCTIONS[name])
    same(getattr(F, name.strip())(b, **FUNCTIONS[name]), theirs, [b], [a])


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("given", [{"dim": 1}, {"dim": (0, 2), "correction": 0}, {"dim": None}, {"correction": 1}])
def test_spreads(name: str, given: dict[str, Any]) -> None:
    a, b = leaves(np.random.default_rng(0).normal(size=(3, 4, 2)))
    same(getattr(b, name)(**given), getattr(a, name)(**given), [b], [a])


@pytest.mark.parametrize("sizes", [1, 2, 3, 7, (4, 0, 3)])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_split_and_chunk(sizes: Any, dim: int) -> None:
    a, b = leaves(np.arange(49.0).reshape(7, 7))
    parts = list(zip(a.split(sizes, dim), b.split(sizes, dim), strict=True))
    if isinstance(sizes, int):
        parts += zip(torch.chunk(a, sizes, dim), tn.chunk(b, sizes, dim), strict=True)
    for theirs, ours in parts:
        close(ours, theirs)
    same(parts[-1][1], parts[-1][0], [b], [a])


@pytest.mark.parametrize("dim", [0, -1, (0, 1)])
def test_logsumexp(dim: Any) -> None:
    a, b = leaves(np.random.default_rng(0).normal(size=(3, 4)) * 100)
    same(tn.logsumexp(b, dim=dim), torch.logsumexp(a, dim=dim), [b], [a])


@pytest.mark.parametrize("name", ["erf", "sigmoid", "expm1", "log1p"])
def test_elementary_functions(name: str) -> None:
    a, b = leaves(np.linspace(-0.99, 8, 50))
    same(getattr(tn, name)(b), getattr(torch, name)(a), [b], [a])
    assert repr(getattr(b[0], name)()).endswith(f"grad_fn={getattr(a[0], name)().grad_fn.name().join('<>')})")


def copied(theirs: Any, ours: Any) -> None:
    """PyTorch's parameters in our module, under the same keys, and back."""
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    for (k, v), w in zip(theirs.state_dict().items(), ours.state_dict().values(), strict=True):
        assert np.array_equal(v.numpy(), w.numpy()), k
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(6,), (4, 6)])
def test_layer_norm(shape: tuple[int, ...], bias: bool) -> None:
    theirs, ours = torch.nn.LayerNorm(shape, eps=1e-3, bias=bias), nn.LayerNorm(shape, eps=1e-3, bias=bias)
    with torch.no_grad():
        for p in theirs.parameters():
            p.uniform_(0.5, 2)
    copied(theirs, ours)
    a, b = leaves((np.random.default_rng(0).normal(size=(3, 4, 6)) * 3 + 1).astype("float32"))
    same(ours(b), theirs(a), [b, *ours.parameters()], [a, *theirs.parameters()], rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("padding", [None, 2])
def test_embedding(padding: int | None) -> None:
    theirs, ours = torch.nn.Embedding(7, 3, padding), nn.Embedding(7, 3, padding)
    copied(theirs, ours)
    (i,), (j,) = both(np.random.default_rng(0).integers(0, 7, (4, 5)))
    same(ours(j), theirs(i), list(ours.parameters()), list(theirs.parameters()))
    assert ours.weight.shape == (7, 3)


@pytest.mark.parametrize("bias", [True, False])
def test_gru_cell(bias: bool) -> None:
    theirs, ours = torch.nn.GRUCell(3, 5, bias), nn.GRUCell(3, 5, bias)
    copied(theirs, ours)
    rng = np.random.default_rng(0)
    a, b = leaves(rng.normal(size=(4, 3)).astype("float32"))
    h, k = leaves(rng.normal(size=(4, 5)).astype("float32"))
    same(ours(b, k), theirs(a, h), [b, k, *ours.parameters()], [a, h, *theirs.parameters()])
    close(ours(b), theirs(a))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"num_layers": 2, "batch_first": True},
        {"num_layers": 3, "bidirectional": True},
        {"num_layers": 2, "bidirectional": True, "batch_first": True, "bias": False},
    ],
)
@pytest.mark.parametrize("batch", [True, False])
def test_gru(given: dict[str, Any], batch: bool) -> None:
    theirs, ours = torch.nn.GRU(3, 5, **given), nn.GRU(3, 5, **given)
    copied(theirs, ours)
    rng = np.random.default_rng(0)
    a, b = leaves(rng.normal(size=(4, 6, 3) if batch else (4, 3)).astype("float32"))
    (out, last), (out2, last2) = theirs(a), ours(b)
    close(out2, out)
    same(last2, last, [b, *ours.parameters()], [a, *theirs.parameters()])
    h, k = leaves(rng.normal(size=tuple(last.shape)).astype("float32"))
    same(ours(b, k)[0], theirs(a, h)[0], [k], [h])


def test_dropout_between_layers_acts_in_training_only() -> None:
    theirs, ours = torch.nn.GRU(3, 5, 2, dropout=0.5), nn.GRU(3, 5, 2, dropout=0.5)
    copied(theirs, ours)
    (a,), (b,) = both(np.ones((4, 2, 3), "float32"))
    close(ours.eval()(b)[0], theirs.eval()(a)[0])
    assert ours.train()(b)[0].tolist() != ours(b)[0].tolist()


@pytest.mark.parametrize("kind", ["plain", "causal", "bool", "float", "scale", "grouped", "grouped bool"])
def test_attention(kind: str) -> None:
    rng = np.random.default_rng(0)
    heads = 6 if "grouped" in kind else 3
    a, b = zip(*[leaves(rng.normal(size=(2, h, n, 4))) for h, n in ((heads, 5), (3, 6), (3, 6))], strict=True)
    see = rng.integers(0, 2, (heads, 5, 6)).astype(bool)
    see[0, 1] = False
    options: dict[str, Any] = {
        "plain": {},
        "causal": {"is_causal": True},
        "bool": {"attn_mask": see},
        "float": {"attn_mask": rng.normal(size=(5, 6))},
        "scale": {"scale": 0.3},
        "grouped": {"enable_gqa": True, "is_causal": True},
        "grouped bool": {"enable_gqa": True, "attn_mask": see},
    }[kind]
    arrays = {k: v for k, v in options.items() if isinstance(v, np.ndarray)}
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *a, **options | {k: torch.tensor(v) for k, v in arrays.items()}
    )
    ours = F.scaled_dot_product_attention(*b, **options | {k: tn.tensor(v) for k, v in arrays.items()})
    same(ours, theirs, b, a)


def loaded(theirs: Any, ours: Any) -> None:
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("masks", ["none", "bool", "float", "heads"])
def test_multihead_attention(masks: str, batch_first: bool) -> None:
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=batch_first)
    ours = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    loaded(theirs, ours)
    rng = np.random.default_rng(0)
    sizes = [(3, n, 8) if batch_first else (n, 3, 8) for n in (4, 5, 5)]
    a, b = zip(*[leaves(rng.normal(size=s).astype("float32")) for s in sizes], strict=True)
    padding = np.zeros((3, 5), bool)
    padding[1, 3:] = True
    options: dict[str, Any] = {
        "none": {},
        "bool": {"attn_mask": np.triu(np.ones((4, 5), bool), 2), "key_padding_mask": padding},
        "float": {"attn_mask": rng.normal(size=(4, 5)).astype("float32")},
        "heads": {"attn_mask": rng.normal(size=(6, 4, 5)).astype("float32")},
    }[masks]
    average = masks != "heads"
    first = theirs(*a, **{k: torch.tensor(v) for k, v in options.items()}, average_attn_weights=average)
    second = ours(*b, **{k: tn.tensor(v) for k, v in options.items()}, average_attn_weights=average)
    close(second[1], first[1])
    same(second[0], first[0], [*b, *ours.parameters()], [*a, *theirs.parameters()], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"norm_first": True, "activation": "gelu", "batch_first": True},
        {"bias": False, "layer_norm_eps": 1e-3},
    ],
)
def test_transformer_encoder_layer(given: dict[str, Any]) -> None:
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **given)
    ours = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **given)
    loaded(theirs, ours)
    a, b = leaves(np.random.default_rng(0).normal(size=(3, 3, 8)).astype("float32"))
    mask = np.triu(np.ones((3, 3), bool), 1)
    first, second = theirs(a, torch.tensor(mask)), ours(b, tn.tensor(mask))
    same(second, first, [b, *ours.parameters()], [a, *theirs.parameters()], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("l1_loss", {}),
        ("smooth_l1_loss", {}),
        ("smooth_l1_loss", {"beta": 0.3}),
        ("smooth_l1_loss", {"beta": 0.0}),
        ("huber_loss", {"delta": 0.7}),
        ("binary_cross_entropy_with_logits", {}),
    ],
)
def test_losses(name: str, given: dict[str, Any], reduction: str) -> None:
    rng = np.random.default_rng(0)
    a, b = leaves(rng.normal(size=(6, 5)) * 2)
    t, u = leaves(rng.uniform(size=(6, 5)))
    theirs = getattr(torch.nn.functional, name)(a, t, reduction=reduction, **given)
    same(getattr(F, name)(b, u, reduction=reduction, **given), theirs, [b, u], [a, t])


def test_weighted_binary_cross_entropy() -> None:
    rng = np.random.default_rng(0)
    a, b = leaves(rng.normal(size=(6, 5)) * 3)
    (t, w, p), (u, v, q) = both(rng.uniform(size=(6, 5)), rng.uniform(size=5), rng.uniform(size=5) * 3)
    theirs = torch.nn.BCEWithLogitsLoss(w, pos_weight=p)
    ours = nn.BCEWithLogitsLoss(v, pos_weight=q)
    copied(theirs, ours)
    same(ours(b, u), theirs(a, t), [b], [a])


def modules(lib: Any) -> list[Any]:
    """Those without parameters."""
    return [
        lib.GELU(),
        lib.GELU("tanh"),
        lib.Sigmoid(),
        lib.SiLU(inplace=True),
        lib.LeakyReLU(0.1),
        lib.ELU(0.5, inplace=True),
        lib.Softplus(2, 10),
        lib.Softmax(dim=1),
        lib.LogSoftmax(-1),
    ]


def test_modules_without_parameters() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    for theirs, ours in zip(modules(torch.nn), modules(nn), strict=True):
        assert repr(ours) == repr(theirs)
        (a,), (b,) = both(x)
        close(ours(b), theirs(a))
    for name in ("NLLLoss", "BCEWithLogitsLoss", "L1Loss", "SmoothL1Loss", "HuberLoss"):
        assert repr(getattr(nn, name)()) == repr(getattr(torch.nn, name)())
        (a, t), (b, u) = both(x, np.array([1, 0, 3]) if name == "NLLLoss" else x[::-1].copy())
        close(getattr(nn, name)(reduction="sum")(b, u), getattr(torch.nn, name)(reduction="sum")(a, t))


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("most", [0.5, 1e3])
def test_clipping(order: float, most: float) -> None:
    a, b = zip(*[leaves(np.arange(1.0, n)) for n in (3, 5)], strict=True)
    for lib, xs in ((torch, a), (tn, b)):
        (sum((x * x).sum() for x in xs) * 0.1).backward()
        norm = (lib.nn.utils.clip_grad_norm_)(xs, most, order)
        if lib is torch:
            wanted = norm
    close(norm, wanted)
    for x, y in zip(b, a, strict=True):
        close(x.grad, y.grad)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (2, 3, 4, 2)])
def test_batch_norm(shape: tuple[int, ...], momentum: float | None) -> None:
    kind = "BatchNorm2d" if len(shape) == 4 else "BatchNorm1d"
    theirs, ours = (getattr(lib.nn, kind)(3, momentum=momentum) for lib in (torch, tn))
    rng = np.random.default_rng(2)
    for name in ("weight", "bias"):
        array = rng.normal(size=3).astype(np.float32)
        theirs.load_state_dict({**theirs.state_dict(), name: torch.tensor(array)})
        ours.load_state_dict({**ours.state_dict(), name: tn.tensor(array)})
    for step in range(4):
        if step == 3:
            theirs.eval(), ours.eval()
        a, b = leaves(rng.normal(2.0, 3.0, shape).astype(np.float32))
        same(ours(b), theirs(a), [b, *ours.parameters()], [a, *theirs.parameters()], rtol=1e-4, atol=1e-4)
    for name, array in theirs.state_dict().items():
        close(ours.state_dict()[name], array, rtol=1e-5, atol=1e-6)
    assert repr(ours) == repr(theirs)
