"""All optimizers and schedules for some steps, their state dicts, groups, closures, averages."""

import warnings

import numpy as np
import torch
from start import normal, start
from torch import nn, optim
from torch.optim import lr_scheduler, swa_utils

warnings.simplefilter("ignore")
x = normal(np.random.default_rng(1), 6, 3).double()
CASES = [
    ("SGD", dict(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)), ("SGD", dict(lr=0.1, maximize=True)),
    ("Adam", dict(lr=0.01, amsgrad=True)), ("Adam", dict(lr=0.01, weight_decay=0.1)), ("AdamW", dict(lr=0.01)),
    ("Adamax", {}), ("NAdam", {}), ("RAdam", dict(lr=0.01)), ("Adagrad", dict(lr_decay=0.1)), ("Adadelta", {}),
    ("RMSprop", dict(momentum=0.5, centered=True)), ("Rprop", {}), ("ASGD", {}), ("Adafactor", {}),
    ("LBFGS", dict(max_iter=3)), ("LBFGS", dict(max_iter=5, line_search_fn="strong_wolfe")),
]  # fmt: skip
for name, options in CASES:
    net = start(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))).double()
    opt = getattr(optim, name)(net.parameters(), **options)

    def closure():
        opt.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        return loss

    losses = [f"{float(opt.step(closure)):.6f}" for _ in range(4)]
    state = opt.state_dict()
    print(name, losses, list(state), sorted({*state["state"].get(0, {})} - {"al"}), len(state["param_groups"][0]["params"]))
    if name not in ("LBFGS",):
        again = getattr(optim, name)(net.parameters(), **options)
        again.load_state_dict(state)
        opt = again
        print([f"{float(opt.step(closure)):.6f}" for _ in range(2)], sorted(opt.param_groups[0]) == sorted(state["param_groups"][0]))
net = start(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))).double()
opt = optim.SGD([{"params": net[0].parameters(), "lr": 0.5}, {"params": net[1].parameters()}], lr=0.1, momentum=0.9)
opt.add_param_group({"params": [nn.Parameter(torch.ones(2))], "lr": 0.2})
print([(len(g["params"]), g["lr"], g["momentum"]) for g in opt.param_groups], opt.defaults["lr"])
for bad in (lambda: optim.SGD([], lr=0.1), lambda: optim.SGD(torch.ones(2), lr=0.1), lambda: optim.SGD([torch.ones(2) * 2], lr=-1),
            lambda: optim.SGD([nn.Parameter(torch.ones(1)) * 2], lr=0.1), lambda: opt.add_param_group({"params": list(net[0].parameters())}),
            lambda: optim.Adam([3], lr=0.1)):  # fmt: skip
    try:
        bad()
    except Exception as error:
        print([k.__name__ for k in (ValueError, TypeError) if isinstance(error, k)])
SCHEDULES = [
    lambda o: lr_scheduler.StepLR(o, 2, 0.5), lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
    lambda o: lr_scheduler.ExponentialLR(o, 0.9), lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    lambda o: lr_scheduler.LambdaLR(o, lambda e: 1 / (e + 1)), lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10),
    lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 2), lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
    lambda o: lr_scheduler.LinearLR(o), lambda o: lr_scheduler.PolynomialLR(o, 5), lambda o: lr_scheduler.ConstantLR(o),
    lambda o: lr_scheduler.MultiplicativeLR(o, lambda e: 0.95), lambda o: swa_utils.SWALR(o, 0.05, 3),
    lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [3]),
    lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.9)]),
]  # fmt: skip
for make in SCHEDULES:
    p = nn.Parameter(torch.ones(1))
    opt = optim.SGD([p], lr=0.1, momentum=0.9)
    schedule = make(opt)
    rates = []
    for _ in range(8):
        opt.step()
        schedule.step()
        rates.append(f"{opt.param_groups[0]['lr']:.6f}")
    print(type(schedule).__name__, rates, f"{schedule.get_last_lr()[0]:.5f}")
plateau = lr_scheduler.ReduceLROnPlateau(opt, patience=1, factor=0.5)
for loss in (1.0, 1.1, 1.2, 1.3, 0.5):
    plateau.step(torch.tensor(loss))
    print(f"{opt.param_groups[0]['lr']:.6f}", end=" ")
print(plateau.state_dict()["best"] == 0.5 or float(plateau.best) == 0.5)


class Warm(lr_scheduler._LRScheduler):
    def get_lr(self):
        return [base * min(1, (self.last_epoch + 1) / 3) for base in self.base_lrs]


class Plain(optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = torch.tensor(0.0)
                    state["avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                state["step"] += 1
                state["avg"].mul_(0.9).add_(p.grad, alpha=0.1)
                p.addcdiv_(state["avg"], state["avg"].abs().add_(1e-3).sqrt_(), value=-group["lr"])
        return loss


p = nn.Parameter(torch.tensor([1.0, -2.0]))
opt = Plain([p])
warm = Warm(opt)
for _ in range(4):
    loss = (p**2).sum()
    opt.zero_grad(set_to_none=False)
    loss.backward()
    opt.step()
    warm.step()
    print(f"{loss.item():.6f} {warm.get_last_lr()[0]:.5f}", opt.state[p]["step"])
print(opt)
net = start(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))).double()
average = swa_utils.AveragedModel(net, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
opt = optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    opt.zero_grad()
    (net(x) ** 2).mean().backward()
    opt.step()
    average.update_parameters(net)
swa_utils.update_bn([x, x], average)
print(f"{average(x).abs().sum().item():.5f} {average.module[1].running_mean.sum().item():.5f}", average.n_averaged)
