"""A variational autoencoder of handwritten digits, with a plane of latent numbers. Draws vae.png."""

from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from training import Run, arguments, curve

import tenure as tn
import tenure.nn.functional as F
from tenure import data, nn, optim
from tenure.distributions import Normal, kl_divergence


class VAE(nn.Module):
    def __init__(self, width=256, latent=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.mean, self.scale = nn.Linear(width, latent), nn.Linear(width, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 64)
        )

    def encode(self, x):
        """The distribution of the latent numbers of images."""
        inner = self.encoder(x)
        return Normal(self.mean(inner), F.softplus(self.scale(inner)) + 1e-4)

    def decode(self, z):
        """The logits of the pixels."""
        return self.decoder(z)

    def loss(self, x):
        """The negative evidence lower bound, as pixels' and latent numbers' part."""
        posterior = self.encode(x)
        logits = self.decode(posterior.rsample())
        pixels = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        return pixels, kl_divergence(posterior, Normal(0.0, 1.0)).sum(1).mean()


def main():
    args = arguments(__doc__, steps=4000, batch_size=64, lr=2e-3)
    tn.manual_seed(args.seed)
    digits = load_digits()
    x, y = tn.tensor(digits.data, dtype=tn.float32) / 16, tn.tensor(digits.target)
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    loader = data.DataLoader(data.TensorDataset(x), args.batch_size, shuffle=True, drop_last=True)
    run = Run(args, model=model, optimizer=optimizer, schedule=schedule, loader=loader)
    for (images,) in run.batches(loader):
        pixels, latent = model.loss(images)
        loss = pixels + latent
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        run.done(loss=loss.item(), latent=latent.item())
    draw(args.out, run.history["loss"], model, x, y)


def draw(path, losses, model, x, y, side=12):
    """The loss, where each digit lies in the plane, and what is drawn from points of the plane."""
    axis = tn.linspace(0.03, 0.97, side)
    levels = Normal(0.0, 1.0).icdf(axis)
    points = tn.stack(tn.meshgrid(levels, levels, indexing="xy"), dim=-1)
    with tn.no_grad():
        plane = model.encode(x).mean
        drawn = model.decode(points.flip(0)).sigmoid().reshape(side, side, 8, 8)
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    curve(left, losses, title="Negative evidence lower bound", ylabel="nats")
    dots = middle.scatter(*plane.T.numpy(), c=y.numpy(), cmap="tab10", s=4)
    middle.set(title="Digits in the plane")
    figure.colorbar(dots, ax=middle)
    right.imshow(drawn.transpose(1, 2).reshape(8 * side, 8 * side).numpy(), cmap="gray_r")
    right.set(title="Drawn from the plane")
    right.axis("off")
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
