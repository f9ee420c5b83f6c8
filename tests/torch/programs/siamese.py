"""Siamese network: shared trunk, pairs, BCE with logits, state saved and loaded in memory."""

import io

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from start import normal, start
from torch.optim.lr_scheduler import StepLR


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.fc_in_features = 16
        self.fc = nn.Sequential(nn.Linear(self.fc_in_features * 2, 16), nn.ReLU(inplace=True), nn.Linear(16, 1))
        self.sigmoid = nn.Sigmoid()
        self.trunk.apply(self.init_weights)

    def init_weights(self, m):
        if isinstance(m, nn.Linear):
            torch.nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def forward_once(self, x):
        output = self.trunk(x)
        return output.view(output.size()[0], -1)

    def forward(self, input1, input2):
        output = torch.cat((self.forward_once(input1), self.forward_once(input2)), 1)
        return self.sigmoid(self.fc(output))


rng = np.random.default_rng(0)
model = start(SiameseNetwork())
optimizer = optim.Adadelta(model.parameters(), lr=1.0)
scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
criterion = nn.BCELoss()
for epoch in range(4):
    for batch in range(5):
        a, b = normal(rng, 8, 1, 10, 10), normal(rng, 8, 1, 10, 10)
        target = torch.tensor([float(k % 2) for k in range(8)])
        optimizer.zero_grad()
        outputs = model(a, b).squeeze()
        loss = criterion(outputs, target)
        loss.backward()
        optimizer.step()
        print(epoch, batch, f"{loss.item():.6f}")
    scheduler.step()
file = io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)
twin = SiameseNetwork()
print(twin.load_state_dict(torch.load(file)))
model.eval()
twin.eval()
print(torch.equal(model(a, b), twin(a, b)), model.trunk[1].num_batches_tracked)
