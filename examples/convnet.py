"""Read scikit-learn's handwritten digits with a convolutional net, from images that are shifted. Draws convnet.png."""

from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from training import Run, arguments, curve

import tenure as tn
import tenure.nn.functional as F
from tenure import data, nn, optim


class Block(nn.Module):
    """A residual block."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(inner)))


def net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), Block(32), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip


def load():
    """Images and labels, a fifth of them held out."""
    digits = load_digits()
    x = tn.tensor(digits.images, dtype=tn.float32)[:, None] / 16
    y = tn.tensor(digits.target)
    order = tn.randperm(len(x))
    train, test = order[360:], order[:360]
    return x[train], y[train], x[test], y[test]


def shifted(images):
    """Each image moved by up to a pixel either way."""
    n = len(images)
    padded = F.pad(images[:, 0], (1, 1, 1, 1))
    rows = tn.randint(3, (n, 1, 1)) + tn.arange(8)[:, None]
    columns = tn.randint(3, (n, 1, 1)) + tn.arange(8)
    return padded[tn.arange(n)[:, None, None], rows, columns][:, None]


def main():
    args = arguments(__doc__, steps=1500, batch_size=64, lr=0.05)
    tn.manual_seed(args.seed)
    x, y, x_test, y_test = load()
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=args.steps)
    loader = data.DataLoader(data.TensorDataset(x, y), args.batch_size, shuffle=True, drop_last=True)
    run = Run(args, model=model, optimizer=optimizer, schedule=schedule, loader=loader)
    for images, labels in run.batches(loader):
        logits = model(shifted(images))
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        run.done(loss=loss.item(), accuracy=(logits.argmax(1) == labels).float().mean().item())

    model.eval()
    with tn.no_grad():
        read = model(x_test).argmax(1)
    print(f"{(read == y_test).float().mean().item():.1%} of {len(y_test)} digits that were held out")
    draw(args.out, run.history["loss"], model[0].weight, x_test, y_test, read)


def draw(path, losses, filters, images, labels, read):
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[2, 1, 1])
    curve(left.subplots(), losses, title="Training loss", ylabel="smoothed cross-entropy")
    middle.suptitle("First filters")
    for axes, kernel in zip(middle.subplots(4, 4).flat, filters.detach().numpy(), strict=True):
        axes.imshow(kernel[0], cmap="gray")
        axes.axis("off")
    wrong = tn.argwhere(read != labels)[:16, 0].tolist()
    right.suptitle("Misread: read as → is" if wrong else "None is misread")
    for k, i in enumerate(wrong):
        axes = right.add_subplot(4, 4, k + 1)
        axes.imshow(images[i, 0].numpy(), cmap="gray_r")
        axes.set_title(f"{read[i].item()} → {labels[i].item()}", fontsize=8)
        axes.axis("off")
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
