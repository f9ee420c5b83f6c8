"""Mixed precision: autocast and a gradient scaler, disabled where there is no GPU, and checkpointed blocks."""

import numpy as np
import torch
import torch.nn as nn
from start import normal, start, whole
from torch.cuda.amp import GradScaler, autocast
from torch.utils.checkpoint import checkpoint

device = "cuda" if torch.cuda.is_available() else "cpu"
use_amp = device == "cuda"
if torch.cuda.is_available():
    torch.backends.cudnn.benchmark = True
    torch.cuda.manual_seed_all(0)
rng = np.random.default_rng(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(12, 24)
        self.blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 24), nn.SiLU()) for _ in range(3)])
        self.head = nn.Linear(24, 4)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + checkpoint(block, x, use_reentrant=False)
        return self.head(x)


net = start(Net()).to(device)
opt = torch.optim.SGD(net.parameters(), lr=0.02, nesterov=True, momentum=0.9)
scaler = GradScaler(enabled=use_amp)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.05, total_steps=20)
loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
for step in range(20):
    data, target = normal(rng, 16, 12).to(device, non_blocking=True), whole(rng, 4, 16).to(device)
    with autocast(enabled=use_amp):
        loss = loss_fn(net(data), target)
    scaler.scale(loss).backward()
    scaler.unscale_(opt)
    torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=0.5)
    scaler.step(opt)
    scaler.update()
    opt.zero_grad()
    sched.step()
    print(step, f"{loss.item():.6f} {opt.param_groups[0]['lr']:.6f}", scaler.get_scale())
