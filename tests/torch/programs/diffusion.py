"""Denoising diffusion of points in the plane, sinusoidal embeddings, an averaged model, and sampling."""

import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from start import normal, start, whole
from torch import nn


class SinusoidalEmbedding(nn.Module):
    def __init__(self, size, scale=1.0):
        super().__init__()
        self.size, self.scale = size, scale

    def forward(self, x):
        x = x * self.scale
        half = self.size // 2
        emb = torch.log(torch.Tensor([10000.0])) / (half - 1)
        emb = torch.exp(-emb * torch.arange(half))
        emb = x.unsqueeze(-1) * emb.unsqueeze(0)
        return torch.cat((torch.sin(emb), torch.cos(emb)), dim=-1)

    def __len__(self):
        return self.size


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.ff, self.act = nn.Linear(size, size), nn.GELU()

    def forward(self, x):
        return x + self.act(self.ff(x))


class MLP(nn.Module):
    def __init__(self, hidden=32, layers=2, emb=16):
        super().__init__()
        self.time, self.one, self.two = (SinusoidalEmbedding(emb, s) for s in (1.0, 25.0, 25.0))
        sizes = len(self.time) + len(self.one) + len(self.two)
        self.joint = nn.Sequential(
            nn.Linear(sizes, hidden), nn.GELU(), *[Block(hidden) for _ in range(layers)], nn.Linear(hidden, 2)
        )

    def forward(self, x, t):
        return self.joint(torch.cat((self.one(x[:, 0]), self.two(x[:, 1]), self.time(t)), dim=-1))


class NoiseScheduler:
    def __init__(self, steps=30):
        self.betas = torch.linspace(0.0001, 0.02, steps, dtype=torch.float32)
        self.alphas = 1.0 - self.betas
        self.cumprod = torch.cumprod(self.alphas, axis=0)
        self.prev = F.pad(self.cumprod[:-1], (1, 0), value=1.0)
        self.sqrt, self.sqrt_one = self.cumprod**0.5, (1 - self.cumprod) ** 0.5
        self.posterior = self.betas * (1.0 - self.prev) / (1.0 - self.cumprod)

    def add_noise(self, x, noise, t):
        return self.sqrt[t].reshape(-1, 1) * x + self.sqrt_one[t].reshape(-1, 1) * noise

    def step(self, out, t, x, noise):
        mean = (x - self.betas[t] / self.sqrt_one[t] * out) / self.alphas[t].sqrt()
        return mean + (self.posterior[t].clip(1e-20) ** 0.5) * noise if t > 0 else mean


rng = np.random.default_rng(0)
theta = rng.random(128) * 2 * math.pi
dataset = torch.from_numpy(np.stack([np.cos(theta), np.sin(theta)], 1)).float()
model, scheduler = start(MLP()), NoiseScheduler()
ema = copy.deepcopy(model).eval().requires_grad_(False)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
for step in range(20):
    batch = dataset[whole(rng, 128, 32)]
    noise, t = normal(rng, 32, 2), whole(rng, 30, 32).long()
    loss = F.mse_loss(model(scheduler.add_noise(batch, noise, t), t), noise)
    loss.backward(loss)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    schedule.step()
    with torch.no_grad():
        for a, b in zip(ema.parameters(), model.parameters()):
            a.mul_(0.9).add_(b, alpha=0.1)
    print(step, f"{loss.detach().item():.6f} {schedule.get_last_lr()[0]:.6f}")
model.eval()
sample = normal(rng, 16, 2)
for t in reversed(range(30)):
    with torch.no_grad():
        residual = ema(sample, torch.from_numpy(np.repeat(t, 16)).long())
    sample = scheduler.step(residual, t, sample, normal(rng, 16, 2))
print(f"{sample.mean().item():.5f} {sample.std().item():.5f}")
