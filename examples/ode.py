"""A neural ODE: the law of motion of a spiral, learned from its trajectory. Draws ode.png.

Chen et al., "Neural ordinary differential equations" (2018). The solver is Runge and Kutta's of order four, and
gradients go through its steps.
"""

from matplotlib.figure import Figure
from training import Run, arguments, curve

import tenure as tn
from tenure import nn, optim

SPAN, POINTS, STRETCH = 12.0, 240, 12


def truth(y):
    """The law: a spiral in the cubes of both coordinates."""
    return y**3 @ tn.tensor([[-0.1, 2.0], [-2.0, -0.1]])


class Field(nn.Module):
    """A law of motion in the form of a network."""

    def __init__(self, width=64):
        super().__init__()
        first, inner, last = nn.Linear(2, width), nn.Linear(width, width), nn.Linear(width, 2)
        self.net = nn.Sequential(first, nn.Tanh(), inner, nn.Tanh(), last)

    def forward(self, y):
        return self.net(y**3)


def solve(field, y, step, steps):
    """The states behind each step of the solver, from a batch of states."""
    states = [y]
    for _ in range(steps):
        k1 = field(y)
        k2 = field(y + 0.5 * step * k1)
        k3 = field(y + 0.5 * step * k2)
        k4 = field(y + step * k3)
        y = y + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(y)
    return tn.stack(states)


def main():
    args = arguments(__doc__, steps=4000, batch_size=32, lr=3e-3)
    tn.manual_seed(args.seed)
    step = SPAN / POINTS
    start = tn.tensor([[2.0, 0.0]])
    with tn.no_grad():
        path = solve(truth, start, step / 4, 4 * POINTS)[::4, 0]
    seen = path + 0.02 * tn.randn(len(path), 2)
    model = Field()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    run = Run(args, model=model, optimizer=optimizer, schedule=schedule)
    for _ in run.steps():
        at = tn.randint(POINTS - STRETCH + 1, (args.batch_size,))
        target = seen[at + tn.arange(STRETCH + 1)[:, None]]
        loss = (solve(model, target[0], step, STRETCH) - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        run.done(loss=loss.item())

    with tn.no_grad():
        learned = solve(model, start, step, POINTS)[:, 0]
    print(f"the whole trajectory, from its start: {(learned - path).norm(dim=1).mean().item():.3f} away on average")
    draw(args.out, run.history["loss"], model, seen, path, learned)


def draw(file, losses, model, seen, path, learned):
    figure = Figure(figsize=(14, 4.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    curve(left, losses, title="Training loss", ylabel="absolute error")
    middle.plot(*seen.T.numpy(), "k.", ms=2, label="observations")
    middle.plot(*path.T.numpy(), "k--", lw=1, label="truth")
    middle.plot(*learned.T.numpy(), label="learned")
    middle.set(title="Trajectory")
    middle.legend()
    axis = tn.linspace(-2, 2, 20)
    x, y = tn.meshgrid(axis, axis, indexing="xy")
    with tn.no_grad():
        flow = model(tn.stack([x, y], dim=-1))
    flow = flow / (flow.norm(dim=-1, keepdim=True) + 1e-6)
    right.quiver(x.numpy(), y.numpy(), *flow.permute(2, 0, 1).numpy())
    right.set(title="Learned field")
    figure.savefig(file, dpi=120)
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
