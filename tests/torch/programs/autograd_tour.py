"""Autograd: modes, gradients of several kinds, functional derivatives, hooks, anomalies, checkpoints, distributions."""

import numpy as np
import torch
from start import normal
from torch import distributions as D
from torch.autograd import functional as AF
from torch.utils.checkpoint import checkpoint
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset, random_split

rng = np.random.default_rng(0)
w = normal(rng, 3).requires_grad_()
a = normal(rng, 2, 3)


@torch.no_grad()
def quiet(x):
    return x * 2


@torch.no_grad
def quieter(x):
    return x * 2


print(quiet(w).requires_grad, quieter(w).requires_grad, torch.is_grad_enabled())
with torch.no_grad():
    print((w * 2).requires_grad, torch.is_grad_enabled())
    with torch.enable_grad():
        print((w * 2).requires_grad)
torch.set_grad_enabled(False)
print((w * 2).requires_grad)
torch.set_grad_enabled(True)
with torch.set_grad_enabled(False):
    print((w * 2).requires_grad)
with torch.inference_mode():
    print((w * 2).requires_grad, torch.is_inference_mode_enabled())
(g,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), w)
print(g.detach(), h, w.grad)
print(torch.autograd.grad((w * 2).sum(), [w, a.requires_grad_()], allow_unused=True)[1])
print(torch.autograd.grad([w.sum(), (w * w).sum()], w, grad_outputs=[torch.tensor(2.0), torch.tensor(1.0)])[0])
print(torch.autograd.grad(a * w, w, torch.ones_like(a), materialize_grads=True)[0])
for bad in (lambda: torch.autograd.grad((a * w), w), lambda: torch.ones(2).sum().backward(),
            lambda: torch.autograd.grad(w.sum(), torch.ones(1, requires_grad=True)), lambda: w.__iadd__(1)):  # fmt: skip
    try:
        bad()
    except RuntimeError as error:
        print("RuntimeError", "grad" in str(error).split("\n")[0] or "in-place" in str(error))
torch.autograd.backward([w.sum(), (w * a).sum()])
print(w.grad, a.grad.shape)
f = lambda x: (x**2).sum() * x  # noqa: E731
print(AF.jacobian(f, torch.tensor([1.0, 2.0])), AF.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0])))
print(AF.vjp(f, torch.tensor([1.0, 2.0]), torch.ones(2)), AF.jvp(f, torch.tensor([1.0, 2.0]), torch.ones(2)))
print(AF.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2)))
y = (w * 2).requires_grad_()
y.retain_grad()
y.register_hook(lambda g: g * 3)
(y * y).sum().backward()
print(y.grad, w.grad)
print(checkpoint(lambda x: (x * w).sum(), a, use_reentrant=False).item() == (a * w).sum().item())
with torch.autograd.profiler.profile() as prof, torch.autograd.profiler.record_function("block"):
    (w * 2).sum().item()
print(any(e.key == "block" for e in prof.key_averages()))

n = D.Normal(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
print(n, n.batch_shape, n.log_prob(torch.tensor(0.5)), n.entropy(), n.mean, n.variance, n.cdf(torch.tensor(0.0)))
print(n.sample((3,)).shape, n.rsample().requires_grad, D.kl_divergence(n, D.Normal(0.0, 1.0)), n.loc)
c = D.Categorical(logits=torch.tensor([0.1, 0.2, 0.3]))
print(c)
print(c.log_prob(torch.tensor([0, 2])), c.entropy(), c.sample((2, 3)).dtype, c.probs)
b = D.Bernoulli(torch.tensor([0.3, 0.6]))
print(b.log_prob(torch.ones(2)), D.Independent(n, 1).log_prob(torch.zeros(2)), D.Beta(2.0, 3.0).mean)
t = D.TransformedDistribution(D.Normal(0.0, 1.0), [D.AffineTransform(1.0, 2.0), D.transforms.ExpTransform()])
print(t.log_prob(torch.tensor(2.0)), D.constraints.positive.check(torch.tensor([1.0, -1.0])), t.support)
p = torch.tensor([0.5, 2.0], requires_grad=True)
D.Gamma(p, 1.0).log_prob(torch.tensor([1.0, 2.0])).sum().backward()
print(p.grad, D.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.ones(2)), isinstance(n, D.Distribution))


class Twice(D.Distribution):
    arg_constraints = {}
    has_rsample = True

    def __init__(self):
        super().__init__(torch.Size([2]), validate_args=False)

    def rsample(self, sample_shape=()):
        return torch.full(self._extended_shape(sample_shape), 2.0)

    def log_prob(self, value):
        return -(value - 2.0).abs()


print(Twice().sample((3,)).shape, D.Independent(Twice(), 1).log_prob(torch.ones(2)))


class Squares(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, i):
        return {"x": torch.tensor([i, i * i]), "y": i * 0.5, "name": str(i)}


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


for batch in DataLoader(Squares(), batch_size=3):
    print(batch["x"].shape, batch["y"], batch["name"])
print([b.tolist() for b in DataLoader(Stream(), batch_size=2)], len(DataLoader(Squares(), 2, drop_last=True)))
data = TensorDataset(torch.arange(6).view(6, 1), torch.arange(6) * 2)
print(next(iter(DataLoader(data, 2))), len(ConcatDataset([data, data])), Subset(data, [1, 2])[1])
parts = random_split(data, [4, 2], generator=torch.Generator().manual_seed(0))
print([len(part) for part in parts], sorted(len(b[0]) for b in DataLoader(data, 4, shuffle=True)))
print(DataLoader(np.arange(4.0), batch_size=2, collate_fn=lambda xs: torch.tensor(xs)).__iter__().__next__())
print(torch.utils.data.default_collate([(1, 2.5), (3, 4.5)]), type(torch.utils.data.get_worker_info()))
