"""A small transformer that writes Python's documentation, letter by letter. Draws transformer.png.

The text ships with Python: the topics of ``help()``.
"""

from pydoc_data.topics import topics

from matplotlib.figure import Figure
from training import Run, arguments, curve

import tenure as tn
import tenure.nn.functional as F
from tenure import nn, optim

LENGTH, WIDTH, HEADS, LAYERS = 64, 96, 4, 3


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(0.1))

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class Writer(nn.Module):
    """The logits of the letter behind each letter."""

    def __init__(self, letters):
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, letters)

    def forward(self, text):
        x = self.letters(text) + self.places.weight[: text.shape[1]]
        return self.head(self.norm(self.blocks(x)))


def corpus():
    """The letters in use, and the text as their numbers."""
    text = "\n".join(topics.values())
    letters = sorted(set(text))
    number = {letter: k for k, letter in enumerate(letters)}
    return letters, tn.tensor([number[letter] for letter in text])


def write(model, letters, start, length=400, temperature=0.7):
    """Go on writing from a start."""
    model.eval()
    text = [letters.index(letter) for letter in start]
    with tn.no_grad():
        for _ in range(length):
            # The text begins behind LENGTH - 1 spaces, so that all calls have one shape.
            seen = ([letters.index(" ")] * LENGTH + text)[-LENGTH:]
            logits = model(tn.tensor([seen]))[0, -1] / temperature
            text.append(tn.multinomial(logits.softmax(0), 1).item())
    model.train()
    return "".join(letters[k] for k in text)


def main():
    args = arguments(__doc__, steps=800, batch_size=24, lr=3e-3)
    tn.manual_seed(args.seed)
    letters, text = corpus()
    model = Writer(len(letters))
    optimizer = optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=args.steps)
    run = Run(args, model=model, optimizer=optimizer, schedule=schedule)
    print(f"{len(text)} letters of {len(letters)} kinds; {sum(p.numel() for p in model.parameters())} parameters")
    for _ in run.steps():
        starts = tn.randint(len(text) - LENGTH, (args.batch_size, 1))
        part = text[starts + tn.arange(LENGTH + 1)]
        loss = F.cross_entropy(model(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        run.done(loss=loss.item())

    written = write(model, letters, "The ", length=min(400, 4 * args.steps))
    print(written)
    draw(args.out, run.history["loss"], written)


def draw(path, losses, written):
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve(left, losses, title="Training loss", ylabel="nats a letter")
    right.text(0, 1, written.replace("$", r"\$"), family="monospace", fontsize=7, va="top", wrap=True)
    right.axis("off")
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
