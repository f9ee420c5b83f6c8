"""Attention and transformers beside PyTorch's: values, gradients, state_dicts in both directions."""

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F

torch = pytest.importorskip("torch")

from tests.nn.test_layers_peers import leaves, same  # noqa: E402
from tests.nn.test_nn_peers import close  # noqa: E402

pytestmark = pytest.mark.peers
N, L, S, E, HEADS = 3, 4, 5, 8, 2


def exchanged(theirs: Any, ours: Any) -> None:
    """Load ours into theirs, and back."""
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


PADDING = np.arange(S) >= np.array([[5], [3], [4]])
CAUSAL = np.triu(np.ones((L, S), bool), 2)
LAYERS: list[dict[str, Any]] = [
    {},
    {"kdim": 6, "vdim": 7},
    {"add_bias_kv": True, "bias": False},
    {"add_zero_attn": True, "batch_first": True},
    {"add_bias_kv": True, "add_zero_attn": True, "kdim": 6},
]
CALLS: list[dict[str, Any]] = [
    {},
    {"attn_mask": np.triu(np.ones((L, S), bool), 1), "is_causal": True, "need_weights": False},
    {"key_padding_mask": PADDING, "average_attn_weights": False},
    {"attn_mask": normal(N * HEADS, L, S), "key_padding_mask": np.where(PADDING, -np.inf, 0.5).astype("float32")},
]


@pytest.mark.parametrize("call", range(len(CALLS)))
@pytest.mark.parametrize("given", LAYERS, ids=[" ".join(map(str, given)) for given in LAYERS])
def test_attention(given: dict[str, Any], call: int) -> None:
    theirs, ours = torch.nn.MultiheadAttention(E, HEADS, **given), nn.MultiheadAttention(E, HEADS, **given)
    exchanged(theirs, ours)
    sizes = ((L, N, E), (S, N, given.get("kdim", E)), (S, N, given.get("vdim", E)))
    flipped = [(s[1], s[0], s[2]) if given.get("batch_first") else s for s in sizes]
    a, b = zip(*[leaves(normal(*s, seed=k)) for k, s in enumerate(flipped)], strict=True)
    masks = {k: v if isinstance(v, bool) else (torch.tensor(v), tn.tensor(v)) for k, v in CALLS[call].items()}
    first = theirs(*a, **{k: v[0] if isinstance(v, tuple) else v for k, v in masks.items()})
    second = ours(*b, **{k: v[1] if isinstance(v, tuple) else v for k, v in masks.items()})
    if call == 1 and any(name.startswith("add") for name in given):
        return  # PyTorch takes the causal mask of is_causal over the keys that it appends, too
    assert (first[1] is None) is (second[1] is None)
    if first[1] is not None:
        close(second[1], first[1], atol=1e-5)
    same(second[0], first[0], [*b, *ours.parameters()], [*a, *theirs.parameters()], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("given", LAYERS[:1] + LAYERS[3:], ids=str)
def test_attention_without_a_batch(given: dict[str, Any]) -> None:
    theirs, ours = torch.nn.MultiheadAttention(E, HEADS, **given), nn.MultiheadAttention(E, HEADS, **given)
    exchanged(theirs, ours)
    q, k, v = normal(L, E), normal(S, given.get("kdim", E)), normal(S, E, seed=2)
    first = theirs(*map(torch.tensor, (q, k, v)), key_padding_mask=torch.tensor(PADDING[1]))
    second = ours(*map(tn.tensor, (q, k, v)), key_padding_mask=tn.tensor(PADDING[1]))
    close(second[0], first[0], atol=1e-5)
    close(second[1], first[1], atol=1e-5)


def test_the_function_of_attention() -> None:
    q, k, w, out = normal(L, N, E), normal(S, N, E, seed=1), normal(3 * E, E, seed=2), normal(E, E, seed=3)
    fixed = normal(N * HEADS, S + 2, E // HEADS, seed=4)

    def call(lib: Any, f: Any, make: Any) -> Any:
        x, y = make(q), make(k)
        a, _ = f(x, y, y, E, HEADS, make(w), None, None, None, True, 0.5, make(out), None, training=False,
                 static_k=make(fixed), static_v=make(fixed))  # fmt: skip
        parts = [make(w[i * E : (i + 1) * E]) for i in range(3)]
        b, _ = f(x, y, y, E, HEADS, None, make(w[:, 0]), make(normal(1, 1, E)), make(normal(1, 1, E)), False, 0.0,
                 make(out), make(out[0]), use_separate_proj_weight=True, q_proj_weight=parts[0],
                 k_proj_weight=parts[1], v_proj_weight=parts[2])  # fmt: skip
        return a, b

    theirs = call(torch, torch.nn.functional.multi_head_attention_forward, torch.tensor)
    for x, y in zip(call(tn, F.multi_head_attention_forward, tn.tensor), theirs, strict=True):
        close(x, y, rtol=1e-4, atol=1e-4)


KINDS: list[dict[str, Any]] = [
    {},
    {"norm_first": True, "activation": "gelu", "batch_first": True},
    {"bias": False, "layer_norm_eps": 1e-3},
]


def sequences(batch_first: bool) -> list[tuple[Any, Any]]:
    arrays = [normal(L, N, E), normal(S, N, E, seed=1)]
    return [leaves(x.swapaxes(0, 1).copy() if batch_first else x) for x in arrays]


@pytest.mark.parametrize("given", KINDS, ids=[" ".join(map(str, given)) for given in KINDS])
def test_decoder_layers_and_stacks(given: dict[str, Any]) -> None:
    def stack(lib: Any) -> Any:
        layer = lib.TransformerDecoderLayer(E, HEADS, 16, dropout=0.0, **given)
        return lib.TransformerDecoder(layer, 2, norm=lib.LayerNorm(E))

    theirs, ours = stack(torch.nn), stack(nn)
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizableLinear", "Linear")
    exchanged(theirs, ours)
    (a, b), (c, d) = sequences(given.get("batch_first", False))
    mask = np.triu(np.ones((L, L), bool), 1)
    options = {"tgt_mask": mask, "memory_key_padding_mask": PADDING, "memory_mask": CAUSAL}
    first = theirs(a, c, **{k: torch.tensor(v) for k, v in options.items()}, tgt_is_causal=True)
    second = ours(b, d, **{k: tn.tensor(v) for k, v in options.items()}, tgt_is_causal=True)
    same(second, first, [b, d, *ours.parameters()], [a, c, *theirs.parameters()], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("given", KINDS, ids=[" ".join(map(str, given)) for given in KINDS])
def test_encoder_stacks(given: dict[str, Any]) -> None:
    def stack(lib: Any) -> Any:
        layer = lib.TransformerEncoderLayer(E, HEADS, 16, dropout=0.0, **given)
        return lib.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    theirs, ours = stack(torch.nn), stack(nn)
    exchanged(theirs, ours)
    _, (a, b) = sequences(given.get("batch_first", False))
    mask = nn.Transformer.generate_square_subsequent_mask(S)
    close(mask, torch.nn.Transformer.generate_square_subsequent_mask(S))
    padding = np.where(PADDING, -np.inf, 0.0).astype("float32")
    first = theirs(a, torch.tensor(mask.numpy()), torch.tensor(padding))
    second = ours(b, mask, tn.tensor(padding))
    same(second, first, [b, *ours.parameters()], [a, *theirs.parameters()], rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("given", KINDS, ids=[" ".join(map(str, given)) for given in KINDS])
def test_a_whole_transformer(given: dict[str, Any]) -> None:
    form = {"num_encoder_layers": 1, "num_decoder_layers": 2, "dim_feedforward": 16, "dropout": 0.0, **given}
    theirs, ours = torch.nn.Transformer(E, HEADS, **form), nn.Transformer(E, HEADS, **form)
    exchanged(theirs, ours)
    (c, d), (a, b) = sequences(given.get("batch_first", False))
    mask = np.triu(np.full((L, L), -np.inf, "float32"), 1)
    options = {"tgt_mask": mask, "src_key_padding_mask": PADDING, "memory_key_padding_mask": PADDING}
    first = theirs(a, c, **{k: torch.tensor(v) for k, v in options.items()})
    second = ours(b, d, **{k: tn.tensor(v) for k, v in options.items()})
    same(second, first, [b, d, *ours.parameters()], [a, c, *theirs.parameters()], rtol=1e-3, atol=1e-5)
