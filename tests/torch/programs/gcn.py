"""Graph convolution by sparse products as index_add, with dropout off in eval."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from start import normal, start, whole
from torch.nn.parameter import Parameter


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)

    def forward(self, input, rows, cols, values):
        support = torch.mm(input, self.weight)
        output = torch.zeros_like(support).index_add(0, rows, values.unsqueeze(1) * support[cols])
        return output + self.bias if self.bias is not None else output

    def __repr__(self):
        return self.__class__.__name__ + " (" + str(self.in_features) + " -> " + str(self.out_features) + ")"


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.gc1 = GraphConvolution(8, 16)
        self.gc2 = GraphConvolution(16, 3)

    def forward(self, x, *adj):
        x = F.relu(self.gc1(x, *adj))
        x = F.dropout(x, 0.5, training=False)
        return F.log_softmax(self.gc2(x, *adj), dim=1)


rng = np.random.default_rng(0)
n = 30
rows, cols = whole(rng, n, 120), whole(rng, n, 120)
degree = torch.bincount(rows, minlength=n).clamp(min=1).float()
values = 1.0 / degree[rows]
x, y = normal(rng, n, 8), whole(rng, 3, n)
idx_train, idx_val = torch.LongTensor(range(20)), torch.LongTensor(range(20, 30))
model = start(GCN())
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
print(model)


def accuracy(output, labels):
    preds = output.max(1)[1].type_as(labels)
    return preds.eq(labels).double().sum() / len(labels)


for epoch in range(20):
    model.train()
    optimizer.zero_grad()
    output = model(x, rows, cols, values)
    loss = F.nll_loss(output[idx_train], y[idx_train])
    loss.backward()
    optimizer.step()
    model.eval()
    output = model(x, rows, cols, values)
    val = F.nll_loss(output[idx_val], y[idx_val])
    print(f"{epoch} {loss.item():.6f} {val.item():.6f} {accuracy(output[idx_val], y[idx_val]).item():.4f}")
