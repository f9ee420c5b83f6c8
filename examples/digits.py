"""Learn to read scikit-learn's handwritten digits, and draw what was learned to digits.png."""

import math
import time

from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from training import Run, arguments, curve

import tenure as tn
import tenure.nn.functional as F
from tenure import data, nn, optim


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


def train(model, x, y, args):
    """The loss and the share of right answers of every step, by name."""
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    loader = data.DataLoader(data.TensorDataset(x, y), args.batch_size, shuffle=True)
    run = Run(args, model=model, optimizer=optimizer, loader=loader)
    model.train()
    for inputs, labels in run.batches(loader):
        optimizer.zero_grad()
        logits = model(inputs)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        run.done(loss=loss.item(), accuracy=(logits.argmax(dim=1) == labels).float().mean().item())
    return run.history


def predict(model, x):
    model.eval()
    with tn.no_grad():
        return model(x).argmax(dim=1)


def draw(path, losses, images, predicted, labels):
    wrong = [i for i in range(len(labels)) if predicted[i] != labels[i]][:12]
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.2, 1])
    curve(left.subplots(), losses, title="Training loss", ylabel="smoothed cross-entropy")
    right.suptitle("Misread digits: read as → is")
    side = max(2, math.ceil(len(wrong) ** 0.5))
    for k, i in enumerate(wrong):
        axes = right.add_subplot(side, side, k + 1)
        axes.imshow(images[i].reshape(8, 8), cmap="gray_r")
        axes.set_title(f"{predicted[i]} → {labels[i]}")
        axes.axis("off")
    figure.savefig(path, dpi=120)


def main():
    args = arguments(__doc__, steps=1800, batch_size=32, lr=3e-3)
    tn.manual_seed(args.seed)
    x_train, x_test, y_train, y_test = load()
    model = Net()
    print(model)

    start = time.perf_counter()
    history = train(model, x_train, y_train, args)
    seconds = time.perf_counter() - start

    predicted = predict(model, x_test)
    accuracy = (predicted == y_test).float().mean().item()
    print(f"{accuracy:.1%} of {len(y_test)} held-out digits after {len(history['loss'])} steps in {seconds:.1f} s")

    draw(args.out, history["loss"], x_test.numpy(), predicted.tolist(), y_test.tolist())
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
