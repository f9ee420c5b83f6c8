"""A training script to be killed at any moment: layers with states, noise of every generator, a checkpoint a step."""

import random

import numpy as np
from training import Run, arguments

import tenure as tn
import tenure.nn.functional as F
from tenure import data, nn, optim


def main():
    args = arguments(__doc__, steps=100)
    tn.manual_seed(args.seed)
    random.seed(args.seed)
    np.random.seed(args.seed)
    x = tn.randn(50, 6)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    optimizer = optim.AdamW(model.parameters(), lr=1e-2, amsgrad=True)
    schedule = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 7)
    average = optim.swa_utils.AveragedModel(model)
    loader = data.DataLoader(data.TensorDataset(x, y), 8, shuffle=True)
    run = Run(args, model=model, optimizer=optimizer, schedule=schedule, average=average, loader=loader)
    for images, labels in run.batches(loader):
        noise = random.gauss(0, 0.1) + float(np.random.rand())
        loss = F.cross_entropy(model(images + noise * tn.rand_like(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        run.done(loss=loss.item())
        print("a step", flush=True)


if __name__ == "__main__":
    main()
