"""Learn to read scikit-learn's handwritten digits, and draw what was learned to digits.png.

Ctrl-C stops the training; what has been learned by then is evaluated and drawn.
"""

import argparse
import math
import sys
import time

from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import tenure as tn
import tenure.nn.functional as F
from tenure import nn, optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 10)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc2(x)


def load():
    digits = load_digits()
    pixels = (digits.data / 16).astype("float32")
    split = train_test_split(pixels, digits.target, test_size=0.2, random_state=0, stratify=digits.target)
    return [tn.tensor(part) for part in split]


class Progress:
    """One line that is rewritten on a terminal; elsewhere a plain line now and then."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.line = ""
        self.start = self.shown = time.perf_counter()

    def update(self, epoch, step, loss, accuracy):
        now = time.perf_counter()
        speed = step / (now - self.start)
        self.line = f"epoch {epoch:3d}  loss {loss:.4f}  accuracy {accuracy:6.1%}  {speed:5.0f} steps/s"
        if now - self.shown > (0.1 if self.live else 5.0):
            self.shown = now
            self.show()

    def show(self):
        if self.live:
            print(f"\r{self.line}\x1b[K", end="", flush=True)
        else:
            print(self.line, flush=True)

    def end(self):
        self.show()
        print(end="\n" if self.live else "", flush=True)


def train(model, x, y, losses, *, epochs, batch_size, lr):
    """Append the loss of every step to ``losses``."""
    optimizer = optim.Adam(model.parameters(), lr=lr)
    progress = Progress()
    accuracy = 0.0
    model.train()
    for epoch in range(1, epochs + 1):
        order = tn.randperm(len(x))
        for i in range(0, len(x), batch_size):
            batch = order[i : i + batch_size]
            inputs, labels = x[batch], y[batch]

            optimizer.zero_grad()
            logits = model(inputs)
            loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
            loss.backward()
            optimizer.step()

            losses.append(loss.item())
            correct = (logits.argmax(dim=1) == labels).float().mean().item()
            accuracy += 0.05 * (correct - accuracy)
            progress.update(epoch, len(losses), losses[-1], accuracy)
    progress.end()


def predict(model, x):
    model.eval()
    with tn.no_grad():
        return model(x).argmax(dim=1)


def draw(path, losses, images, predicted, labels):
    wrong = [i for i in range(len(labels)) if predicted[i] != labels[i]][:12]
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.2, 1])

    axes = left.subplots()
    axes.plot(losses, color="tab:blue", alpha=0.3, label="each step")
    smooth = [sum(losses[max(0, k - 49) : k + 1]) / min(k + 1, 50) for k in range(len(losses))]
    axes.plot(smooth, color="tab:blue", label="mean of the last 50")
    axes.set(title="Training loss", xlabel="step", ylabel="smoothed cross-entropy")
    axes.legend()

    right.suptitle("Misread digits: read as → is")
    side = max(2, math.ceil(len(wrong) ** 0.5))
    for k, i in enumerate(wrong):
        axes = right.add_subplot(side, side, k + 1)
        axes.imshow(images[i].reshape(8, 8), cmap="gray_r")
        axes.set_title(f"{predicted[i]} → {labels[i]}")
        axes.axis("off")
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="digits.png")
    args = parser.parse_args()

    tn.manual_seed(args.seed)
    x_train, x_test, y_train, y_test = load()
    model = Net()
    print(model)

    losses = []
    start = time.perf_counter()
    try:
        train(model, x_train, y_train, losses, epochs=args.epochs, batch_size=args.batch_size, lr=args.lr)
    except KeyboardInterrupt:
        print("\nstopped: going on with what has been learned")
    seconds = time.perf_counter() - start

    predicted = predict(model, x_test)
    accuracy = (predicted == y_test).float().mean().item()
    print(f"{accuracy:.1%} of {len(y_test)} held-out digits after {len(losses)} steps in {seconds:.1f} s")

    draw(args.out, losses, x_test.numpy(), predicted.tolist(), y_test.tolist())
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
