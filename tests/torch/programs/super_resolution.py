"""Super-resolution by sub-pixel convolution."""

from math import log10

import numpy as np
import torch
import torch.nn as nn
import torch.nn.init as init
from start import normal, start
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 8, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(8, 8, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)


class Images(Dataset):
    def __init__(self, n):
        rng = np.random.default_rng(3)
        self.large = torch.nn.functional.avg_pool2d(normal(rng, n, 1, 18, 18), 3, 1, 0)

    def __len__(self):
        return len(self.large)

    def __getitem__(self, i):
        target = self.large[i]
        return target[:, ::2, ::2], target


model = start(Net(2))
criterion = nn.MSELoss()
optimizer = Adam(model.parameters(), lr=0.01)
loader = DataLoader(dataset=Images(20), batch_size=4, num_workers=0)
for epoch in range(1, 5):
    epoch_loss = 0
    for iteration, batch in enumerate(loader, 1):
        input, target = batch[0], batch[1]
        optimizer.zero_grad()
        loss = criterion(model(input), target)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
        print(f"Epoch[{epoch}]({iteration}/{len(loader)}): {loss.item():.6f}")
    with torch.no_grad():
        psnr = [10 * log10(1 / criterion(model(b[0]), b[1]).item()) for b in loader]
    print(f"psnr {sum(psnr) / len(psnr):.4f} avg {epoch_loss / len(loader):.6f}")
