"""Actor-critic with a shared trunk, a namedtuple of what was saved, smooth L1."""

from collections import namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from start import start
from torch.distributions import Categorical

rng = np.random.default_rng(5)
SavedAction = namedtuple("SavedAction", ["log_prob", "value"])


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 24)
        self.action_head = nn.Linear(24, 2)
        self.value_head = nn.Linear(24, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = start(Policy())
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for episode in range(20):
    state = rng.standard_normal(4)
    for _ in range(10):
        probs, value = model(torch.from_numpy(state).float())
        m = Categorical(probs)
        action = torch.tensor(int(rng.random() > probs[0].item()))
        model.saved_actions.append(SavedAction(m.log_prob(action), value))
        model.rewards.append(float(state[int(action)] > 0))
        state = np.roll(state, 1) + 0.1 * rng.standard_normal(4)
    R, returns, policy_losses, value_losses = 0, [], [], []
    for r in model.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    for (log_prob, value), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    print(episode, sum(model.rewards), f"{loss.item():.5f}")
    del model.rewards[:]
    del model.saved_actions[:]
