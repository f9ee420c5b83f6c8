"""Variational autoencoder with given noise."""

import numpy as np
import torch
from start import normal, start
from torch import nn, optim
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc21 = nn.Linear(32, 8)
        self.fc22 = nn.Linear(32, 8)
        self.fc3 = nn.Linear(8, 32)
        self.fc4 = nn.Linear(32, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar, eps):
        std = torch.exp(0.5 * logvar)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x, eps):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar, eps)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


rng = np.random.default_rng(0)
model = start(VAE())
optimizer = optim.Adam(model.parameters(), lr=1e-3)
images = torch.sigmoid(normal(rng, 20, 16, 1, 8, 8))
train_loss = 0.0
for step, data in enumerate(images):
    optimizer.zero_grad()
    recon, mu, logvar = model(data, normal(rng, 16, 8))
    loss = loss_function(recon, data, mu, logvar)
    loss.backward()
    train_loss += loss.item()
    optimizer.step()
    print(step, f"{loss.item() / len(data):.6f}")
with torch.no_grad():
    sample = model.decode(normal(rng, 4, 8)).cpu().view(4, 1, 8, 8)
print(sample.shape, f"{sample.mean():.5f}", f"{train_loss:.3f}")
