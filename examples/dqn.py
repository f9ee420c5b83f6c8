"""Deep Q-learning: a cart balances a pole. Draws dqn.png.

Mnih et al., "Human-level control through deep reinforcement learning" (2015); the cart of Barto, Sutton and Anderson
(1983). Four carts are driven at once.
"""

import copy
import math

from matplotlib.figure import Figure
from training import Run, arguments, curve

import tenure as tn
import tenure.nn.functional as F
from tenure import nn, optim

CARTS, ROOM, LONGEST, DISCOUNT, REWARD = 4, 100_000, 500, 0.99, 0.1


def pushed(state, action):
    """States of carts 0.02 s later, and which of them have left the track or let the pole fall."""
    x, speed, angle, turn = state.unbind(1)
    force = 20.0 * action - 10.0
    sine, cosine = angle.sin(), angle.cos()
    inner = (force + 0.05 * turn**2 * sine) / 1.1
    turning = (9.8 * sine - cosine * inner) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    pushing = inner - 0.05 * turning * cosine / 1.1
    state = tn.stack([x + 0.02 * speed, speed + 0.02 * pushing, angle + 0.02 * turn, turn + 0.02 * turning], dim=1)
    return state, (state[:, 0].abs() > 2.4) | (state[:, 2].abs() > 12 * math.pi / 180)


def fresh(n):
    return 0.1 * tn.rand(n, 4) - 0.05


class Carts(nn.Module):
    """The carts and the transitions that they have made, in buffers: so a checkpoint holds them too."""

    def __init__(self):
        super().__init__()
        self.register_buffer("state", fresh(CARTS))
        self.register_buffer("age", tn.zeros(CARTS, dtype=tn.int64))
        self.register_buffer("past", tn.zeros(ROOM, 10))
        self.register_buffer("count", tn.tensor(0))

    def drive(self, action):
        """Move each cart, keep the transitions, start anew where one has ended; ages of the carts that did."""
        later, failed = pushed(self.state, action)
        row = tn.cat([self.state, action[:, None].float(), later, failed[:, None].float()], dim=1)
        self.past[(self.count + tn.arange(CARTS)) % ROOM] = row
        self.count += CARTS
        age = self.age + 1
        over = failed | (age >= LONGEST)
        self.state = tn.where(over[:, None], fresh(CARTS), later)
        self.age = tn.where(over, 0, age)
        return age[over]

    def sample(self, n):
        """Transitions at random: states, actions, later states, whether the pole fell."""
        rows = self.past[(tn.rand(n) * self.count.clamp(max=ROOM)).long()]
        return rows[:, :4], rows[:, 4].long(), rows[:, 5:9], rows[:, 9]


def q_network(width=128):
    return nn.Sequential(
        nn.Linear(4, width), nn.Tanh(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
    )  # fmt: skip


def loss_of(net, target, batch):
    state, action, later, failed = batch
    with tn.no_grad():
        choice = net(later).argmax(1, keepdim=True)
        best = REWARD + DISCOUNT * (1 - failed) * target(later).gather(1, choice)[:, 0]
    return F.smooth_l1_loss(net(state).gather(1, action[:, None])[:, 0], best)


def main():
    args = arguments(__doc__, steps=15_000, batch_size=128, lr=1e-3)
    tn.manual_seed(args.seed)
    net = q_network()
    target = copy.deepcopy(net)
    carts = Carts()
    optimizer = optim.Adam(net.parameters(), lr=args.lr)
    run = Run(args, net=net, target=target, carts=carts, optimizer=optimizer)
    duration = run.history["duration"][-1] if run.step else 20.0
    for step in run.steps():
        chance = max(0.02, 1 - step / (0.2 * args.steps))
        with tn.no_grad():
            greedy = net(carts.state).argmax(1)
        action = tn.where(tn.rand(CARTS) < chance, tn.randint(2, (CARTS,)), greedy)
        for age in carts.drive(action).tolist():
            duration += 0.05 * (age - duration)

        loss = loss_of(net, target, carts.sample(args.batch_size))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with tn.no_grad():
            for slow, quick in zip(target.parameters(), net.parameters(), strict=True):
                slow.lerp_(quick, 0.01)
        run.done(loss=loss.item(), duration=duration)

    balanced, path = ride(net)
    print(f"a pole is balanced for {balanced:.0f} of {LONGEST} steps on average")
    draw(args.out, run.history["duration"], path)


def ride(net, n=20):
    """How long new carts balance their poles without chance, and the angles of the first of them."""
    state, path, alive = fresh(n), [], tn.ones(n, dtype=tn.bool)
    balanced = tn.zeros(n)
    with tn.no_grad():
        for _ in range(LONGEST):
            state, failed = pushed(state, net(state).argmax(1))
            alive = alive & ~failed
            balanced = balanced + alive
            path.append(state[0, [0, 2]])
            if not alive.any():
                break
    return balanced.mean().item(), tn.stack(path)


def draw(file, durations, path):
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve(left, durations, title="Steps until a pole falls", ylabel="moving mean")
    right.plot(path.numpy(), label=["place, m", "angle, rad"])
    right.set(title="A ride without chance", xlabel="step")
    right.legend()
    figure.savefig(file, dpi=120)
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
