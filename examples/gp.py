"""Gaussian process regression: hyperparameters by the marginal likelihood, through Cholesky factors. Draws gp.png.

Rasmussen and Williams, "Gaussian processes for machine learning" (2006), algorithm 2.1.
"""

import math

from matplotlib.figure import Figure
from training import Run, arguments, curve

import tenure as tn
from tenure import nn, optim


def signal(x):
    return tn.sin(3 * x) * tn.exp(-0.2 * x) + 0.3 * x


class Process(nn.Module):
    """A sum of a smooth and a periodic kernel, with noise; hyperparameters are kept as logarithms."""

    def __init__(self):
        super().__init__()
        start = {"scale": 1.0, "length": 1.0, "waves": 1.0, "period": 1.5, "decay": 2.0, "noise": 0.3}
        for name, value in start.items():
            self.register_parameter(name, nn.Parameter(tn.tensor(math.log(value))))

    def kernel(self, x, y):
        away = x[:, None] - y[None, :]
        smooth = self.scale.exp() * tn.exp(-0.5 * (away / self.length.exp()) ** 2)
        turns = tn.sin(math.pi * away / self.period.exp())
        periodic = self.waves.exp() * tn.exp(-2 * turns**2 - 0.5 * (away / self.decay.exp()) ** 2)
        return smooth + periodic

    def factor(self, x):
        """The Cholesky factor of the covariance of noisy observations."""
        return tn.linalg.cholesky(self.kernel(x, x) + (self.noise.exp() ** 2 + 1e-6) * tn.eye(len(x), dtype=x.dtype))

    def loss(self, x, y):
        """The negative logarithm of the marginal likelihood, an observation."""
        factor = self.factor(x)
        inner = tn.linalg.solve_triangular(factor, y[:, None], upper=False)
        half = factor.diagonal().log().sum()
        return (0.5 * inner.square().sum() + half) / len(x) + 0.5 * math.log(2 * math.pi)

    def predict(self, x, y, points):
        """Mean and standard deviation of the function at some points."""
        factor = self.factor(x)
        across = self.kernel(x, points)
        mean = across.T @ tn.cholesky_solve(y[:, None], factor)[:, 0]
        inner = tn.linalg.solve_triangular(factor, across, upper=False)
        variance = self.kernel(points, points).diagonal() - inner.square().sum(0)
        return mean, variance.clamp(min=0).sqrt()


def main():
    args = arguments(__doc__, steps=600, points=120, lr=0.03)
    tn.manual_seed(args.seed)
    x = (10 * tn.rand(args.points, dtype=tn.float64)).sort(dim=-1).values
    x = x[(x < 4) | (x > 5.5)]
    y = signal(x) + 0.15 * tn.randn(len(x), dtype=tn.float64)
    model = Process().double()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    run = Run(args, model=model, optimizer=optimizer)
    for _ in run.steps():
        loss = model.loss(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.done(loss=loss.item())
    print("  ".join(f"{name} {p.exp().item():.3f}" for name, p in model.named_parameters()))
    draw(args.out, run.history["loss"], model, x, y)


def draw(path, losses, model, x, y):
    points = tn.linspace(-1, 13, 500, dtype=tn.float64)
    with tn.no_grad():
        mean, deviation = model.predict(x, y, points)
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 2])
    curve(left, losses, title="Negative log likelihood", ylabel="nats an observation")
    right.fill_between(points, mean - 2 * deviation, mean + 2 * deviation, alpha=0.2, label="two deviations")
    right.plot(points, mean, label="mean")
    right.plot(points, signal(points), "k--", lw=1, label="truth")
    right.plot(x, y, "k.", ms=4, label="observations")
    right.set(title="Posterior")
    right.legend()
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
