"""Graph attention by scatter: softmax over neighbours with scatter_add and amax."""

import numpy as np
import torch
from start import normal, start, whole
from torch import nn


class GATLayer(nn.Module):
    def __init__(self, n_in, n_out, heads, concat):
        super().__init__()
        self.heads, self.n_out, self.concat = heads, n_out, concat
        self.proj = nn.Linear(n_in, heads * n_out, bias=False)
        self.source = nn.Parameter(torch.Tensor(1, heads, n_out))
        self.target = nn.Parameter(torch.Tensor(1, heads, n_out))
        self.leaky = nn.LeakyReLU(0.2)

    def lift(self, x, index):
        return x.index_select(0, index)

    def forward(self, data):
        x, (src, dst) = data
        n = x.shape[0]
        h = self.proj(x).view(-1, self.heads, self.n_out)
        scores = (h * self.source).sum(dim=-1)[src] + (h * self.target).sum(dim=-1)[dst]
        scores = self.leaky(scores)
        scores = (scores - scores.max()).exp()
        where = dst.unsqueeze(-1).expand_as(scores)
        denominator = torch.zeros(n, self.heads, dtype=scores.dtype).scatter_add_(0, where, scores)
        attention = (scores / (denominator.index_select(0, dst) + 1e-16)).unsqueeze(-1)
        weighted = self.lift(h, src) * attention
        out = torch.zeros(n, self.heads, self.n_out)
        out.scatter_add_(0, dst[:, None, None].expand_as(weighted), weighted)
        out = out.view(-1, self.heads * self.n_out) if self.concat else out.mean(dim=1)
        return (nn.functional.elu(out) if self.concat else out, (src, dst))


rng = np.random.default_rng(2)
n = 24
edges = torch.cat([whole(rng, n, 2, 90), torch.arange(n).repeat(2, 1)], 1)
x, y = normal(rng, n, 6), whole(rng, 4, n)
net = start(nn.Sequential(GATLayer(6, 5, 2, True), GATLayer(10, 4, 2, False)))
optimizer = torch.optim.Adam(net.parameters(), lr=0.02, weight_decay=5e-4)
for epoch in range(20):
    out = net((x, (edges[0], edges[1])))[0]
    loss = nn.CrossEntropyLoss(reduction="mean")(out[:16], y[:16])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    predictions = torch.argmax(out, dim=-1)
    print(epoch, f"{loss.item():.6f}", torch.sum(torch.eq(predictions, y).long()).item() / n)
