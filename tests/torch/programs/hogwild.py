"""Hogwild: a shared model updated by workers; here the workers take turns, so that the numbers are determined."""

import numpy as np
import torch
import torch.multiprocessing as mp
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from start import normal, start, whole


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(10, 16), nn.Linear(16, 3)

    def forward(self, x):
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def train(rank, model, loader):
    torch.manual_seed(1 + rank)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
    model.train()
    for step, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        print(f"{rank} {step} {loss.item():.6f}")


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    model = start(Net())
    model.share_memory()
    print(mp.get_start_method(allow_none=True) in ("fork", "spawn", "forkserver", None), mp.cpu_count() > 0)
    for rank in range(2):
        batches = [(normal(rng, 8, 10), whole(rng, 3, 8)) for _ in range(10)]
        train(rank, model, batches)
    print(f"{sum(p.detach().double().abs().sum().item() for p in model.parameters()):.4f}")
