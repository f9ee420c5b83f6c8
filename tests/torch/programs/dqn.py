"""DQN: replay memory, target network by load_state_dict, gather, masks, clamped gradients."""

import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from start import start

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
random.seed(0)
rng = np.random.default_rng(0)


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        return self.layers(x)


policy_net, target_net = start(DQN()).to(device), DQN().to(device)
target_net.load_state_dict(policy_net.state_dict())
target_net.eval()
optimizer = optim.RMSprop(policy_net.parameters(), lr=1e-3)
memory = ReplayMemory(200)
for step in range(60):
    state = torch.tensor(rng.standard_normal((1, 3)), dtype=torch.float32, device=device)
    with torch.no_grad():
        action = policy_net(state).max(1)[1].view(1, 1)
    reward = torch.tensor([state[0, action.item()].item()], device=device)
    memory.push(state, action, None if rng.random() < 0.2 else state.roll(1, 1), reward)
    if len(memory) < 16:
        continue
    batch = Transition(*zip(*memory.sample(16)))
    non_final_mask = torch.tensor(
        tuple(map(lambda s: s is not None, batch.next_state)), device=device, dtype=torch.bool
    )
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_batch, action_batch, reward_batch = torch.cat(batch.state), torch.cat(batch.action), torch.cat(batch.reward)
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(16, device=device)
    next_state_values[non_final_mask] = target_net(non_final_next_states).max(1)[0].detach()
    expected = (next_state_values * 0.9) + reward_batch
    loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    for param in policy_net.parameters():
        param.grad.data.clamp_(-1, 1)
    optimizer.step()
    print(step, f"{loss.item():.6f}")
    if step % 10 == 0:
        target_net.load_state_dict(policy_net.state_dict())
    else:
        for t, p in zip(target_net.parameters(), policy_net.parameters()):
            t.data.copy_(0.995 * t.data + 0.005 * p.data)
