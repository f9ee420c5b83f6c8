"""Residual network with batch normalization, label smoothing, cosine schedule, EMA by AveragedModel."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from start import normal, start, whole
from torch.optim.swa_utils import AveragedModel


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.layers = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 8, 2))
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(8, 5)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.layers(self.stem(x))), 1))


rng = np.random.default_rng(0)
net = start(ResNet(), scale=1.3)
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.weight.data.fill_(1.0)
        m.bias.data.zero_()
decay = [p for n, p in net.named_parameters() if p.ndim > 1]
others = [p for n, p in net.named_parameters() if p.ndim <= 1]
optimizer = torch.optim.SGD(
    [{"params": decay, "weight_decay": 5e-4}, {"params": others}], lr=0.05, momentum=0.9, dampening=0, nesterov=True
)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
average = AveragedModel(net)
images, labels = normal(rng, 32, 3, 10, 10), whole(rng, 5, 32)
correct = total = 0
for step in range(20):
    chosen = torch.from_numpy(rng.permutation(32)[:12])
    inputs, targets = images[chosen], labels[chosen]
    if step % 2:
        inputs = inputs.flip(3)
    net.train()
    optimizer.zero_grad()
    outputs = net(inputs)
    loss = F.cross_entropy(outputs, targets, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    scheduler.step()
    average.update_parameters(net)
    _, predicted = outputs.max(1)
    total += targets.size(0)
    correct += predicted.eq(targets).sum().item()
    print(step, "Loss: %.5f | Acc: %.3f%% (%d/%d)" % (loss.item(), 100.0 * correct / total, correct, total))
net.eval()
with torch.no_grad():
    print(f"{net(images).std().item():.5f}", net.stem[1].num_batches_tracked.item())
print({k: tuple(v.shape) for k, v in list(net.state_dict().items())[:4]}, average.n_averaged.item())
