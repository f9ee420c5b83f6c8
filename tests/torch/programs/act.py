"""Imitation by chunks of actions: transformer layers, dynamic loops, KL, masks, temporal ensembling."""

import numpy as np
import torch
import torch.nn.functional as F
from start import normal, start
from torch import nn


class Policy(nn.Module):
    def __init__(self, size=16, chunk=5):
        super().__init__()
        self.chunk = chunk
        self.embed, self.cls = nn.Linear(3, size), nn.Embedding(1, size)
        self.latent, self.back = nn.Linear(size, 2 * 4), nn.Linear(4, size)
        layer = nn.TransformerEncoderLayer(size, 2, 32, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        decoder = nn.TransformerDecoderLayer(size, 2, 32, dropout=0.0, batch_first=True)
        self.decoder = nn.TransformerDecoder(decoder, 1, norm=nn.LayerNorm(size))
        self.query = nn.Embedding(chunk, size)
        self.head = nn.Linear(size, 3)
        self.register_buffer("pos_table", self.table(chunk + 2, size))

    @staticmethod
    def table(n, d):
        angle = torch.arange(n).unsqueeze(1) / torch.pow(10000, 2 * (torch.arange(d) // 2) / d).unsqueeze(0)
        table = angle.clone()
        table[:, 0::2] = torch.sin(angle[:, 0::2])
        table[:, 1::2] = torch.cos(angle[:, 1::2])
        return table.unsqueeze(0)

    def forward(self, state, actions=None, pad=None, eps=None):
        bs = state.shape[0]
        if actions is not None:
            cls = torch.unsqueeze(self.cls.weight, axis=0).repeat(bs, 1, 1)
            tokens = torch.cat([cls, self.embed(state).unsqueeze(1), self.embed(actions)], axis=1)
            is_pad = torch.cat([torch.full((bs, 2), False), pad], axis=1)
            out = self.encoder(tokens + self.pos_table.clone().detach(), src_key_padding_mask=is_pad)[:, 0]
            mu, logvar = self.latent(out).chunk(2, -1)
            z = mu + logvar.div(2).exp() * eps
        else:
            mu = logvar = None
            z = torch.zeros([bs, 4], dtype=torch.float32)
        memory = torch.stack([self.embed(state), self.back(z)], 1)
        hs = self.decoder(self.query.weight.unsqueeze(0).expand(bs, -1, -1), memory)
        return self.head(hs), mu, logvar


rng = np.random.default_rng(0)
policy = start(Policy())
optimizer = torch.optim.AdamW(
    [{"params": [p for n, p in policy.named_parameters() if "embed" in n], "lr": 5e-4},
     {"params": [p for n, p in policy.named_parameters() if "embed" not in n]}], lr=1e-3, weight_decay=1e-4,
)  # fmt: skip
for step in range(20):
    state, actions = normal(rng, 6, 3), normal(rng, 6, 5, 3) * 0.3
    actions += state.unsqueeze(1)
    lengths = torch.from_numpy(rng.integers(2, 6, 6))
    pad = torch.arange(5)[None, :] >= lengths[:, None]
    out, mu, logvar = policy(state, actions, pad, normal(rng, 6, 4))
    l1 = (F.l1_loss(actions, out, reduction="none") * ~pad.unsqueeze(-1)).mean()
    kl = (-0.5 * (1 + logvar - mu.pow(2) - logvar.exp())).sum(1).mean(0, True)
    loss = l1 + kl[0] * 0.1
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.6f} {l1.item():.6f} {kl.item():.6f}")
policy.eval()
all_time = torch.zeros([8, 8 + 5, 3])
with torch.inference_mode():
    state, t = normal(rng, 1, 3), 0
    while t < 8 and state.norm() < 50:
        chunk, _, _ = policy(state)
        all_time[[t], t : t + 5] = chunk
        now = all_time[:, t]
        populated = torch.all(now != 0, axis=1)
        now = now[populated]
        weights = np.exp(-0.1 * np.arange(len(now)))
        weights = torch.from_numpy((weights / weights.sum()).astype(np.float32)).unsqueeze(dim=1)
        state = state + 0.1 * (now * weights).sum(dim=0, keepdim=True)
        t += 1
        print(t, f"{state.sum().item():.5f}")
