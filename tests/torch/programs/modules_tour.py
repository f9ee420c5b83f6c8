"""What modules do: registries, hooks, state dicts, copies, conversions, and what they say when misused."""

import copy
import io
import pickle
from collections import OrderedDict

import numpy as np
import torch
from start import normal, start
from torch import nn


def said(f, *args, **kwargs):
    try:
        return f(*args, **kwargs)
    except Exception as error:
        print(type(error).__name__, str(error).split("\n  -->")[0].split("TN")[-1][:300])
        return None


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 4)
        self.b = nn.ModuleList([nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)])
        self.c = nn.ModuleDict({"x": nn.Identity(), "y": nn.Dropout(0.1)})
        self.scale = nn.Parameter(torch.ones(4))
        self.empty = None
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("hidden", torch.ones(2), persistent=False)
        self.register_parameter("none", None)

    def forward(self, x):
        for m in self.b:
            x = m(self.a(x) if m is self.b[0] else x)
        self.mean += x.detach().mean(0)
        return self.c["y"](x * self.scale)


rng = np.random.default_rng(0)
x = normal(rng, 5, 3)
net = start(Net()).eval()
print(net)
print([n for n, _ in net.named_parameters()], [n for n, _ in net.named_buffers()], [n for n, _ in net.named_modules()])
print(list(net.state_dict()), net.state_dict()._metadata["a"], sum(p.numel() for p in net.parameters()))
print(isinstance(net, nn.Module), type(net.a), type(net.scale), isinstance(net.scale, torch.Tensor), net.training)
print(hasattr(net, "mean"), "mean" in net._buffers, net.none, net.c.keys(), len(net.b), net.b[-1])
said(setattr, net, "scale", torch.ones(4))
said(setattr, net, "a", 3)
said(getattr, net, "nothing")
said(net.register_buffer, "scale", torch.ones(1))
said(net.register_buffer, "a.b", torch.ones(1))
said(net.register_parameter, "p", torch.ones(1))
said(net.add_module, "m", 3)
said(nn.Module().forward)
said(net.load_state_dict, {"a.weight": torch.ones(2, 2), "extra": torch.ones(1)})
print(said(net.load_state_dict, net.state_dict(), strict=True))
print(net.load_state_dict({"mean": torch.full((4,), 2.0)}, strict=False).missing_keys[:2], net.mean)
net.mean.zero_()

log = []
h1 = net.a.register_forward_pre_hook(lambda m, args: log.append(("pre", type(m).__name__, args[0].shape)))
h2 = net.register_forward_hook(lambda m, args, out: out * 2)
h3 = net.a.register_full_backward_hook(lambda m, gi, go: log.append(("back", gi[0] is None, go[0].shape)))
h4 = net.b[0].register_forward_hook(lambda m, args, kwargs, out: log.append(("kw", kwargs)), with_kwargs=True)
y = net(x)
y.sum().backward()
print(log, f"{y.sum().item():.5f}", f"{net.a.weight.grad.sum().item():.5f}", net.mean)
for h in (h1, h2, h3, h4):
    h.remove()
print(len(net._forward_hooks), f"{net(x).sum().item():.5f}")

twin = copy.deepcopy(net)
shallow = copy.copy(net)
print(twin.scale is net.scale, shallow.scale is net.scale, torch.equal(twin.a.weight, net.a.weight), twin.a.weight.grad is None)
before = net.scale
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net.double()
print(net.scale is before, net.scale.dtype, net.mean.dtype, net.scale.grad.dtype, before.requires_grad, before.is_leaf)
net(x.double()).sum().backward()
optimizer.step()
print(f"{net.scale.sum().item():.6f}", optimizer.state[net.scale]["momentum_buffer"].dtype)
net.float().to(torch.float32).cpu().to("cpu").to(torch.ones(1))
print(net.requires_grad_(False).scale.requires_grad, net.requires_grad_().scale.requires_grad)
net.zero_grad()
print(net.scale.grad, net.train() is net, net.training, net.c["y"].training)
back = pickle.loads(pickle.dumps(nn.Sequential(OrderedDict(one=nn.Linear(2, 2), two=nn.BatchNorm1d(2)))))
print(back, [n for n, _ in back.named_buffers()], back.one.weight.requires_grad)
file = io.BytesIO()
torch.save({"model": net.state_dict(), "step": 3, "rng": [1, "a", (2.5, None)]}, file)
file.seek(0)
loaded = torch.load(file)
print(loaded["step"], loaded["rng"], list(loaded["model"])[:3], type(loaded["model"]["scale"]), loaded["model"]["mean"].dtype)
twin.load_state_dict(loaded["model"])
print(torch.equal(twin.scale, net.scale), twin.scale.data_ptr() != net.scale.data_ptr() if hasattr(torch.Tensor, "data_ptr") else True)

tied = nn.Linear(3, 3, bias=False)
tied2 = nn.Linear(3, 3, bias=False)
tied2.weight = tied.weight
both = nn.Sequential(tied, tied2)
print(len(list(both.parameters())), list(both.state_dict()), [m for m in both.children()][0] is tied)
seq = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
seq.append(nn.Sigmoid())
print(seq[1:3], len(seq), seq[-1], seq[0].extra_repr())
seq[1] = nn.LeakyReLU(0.2, inplace=True)
del seq[3]
print(seq)
print(nn.ParameterList([torch.ones(2), torch.zeros(1, 3)]), nn.ParameterDict({"k": torch.ones(2)}).keys())
net.apply(lambda m: nn.init.constant_(m.weight, 0.5) if isinstance(m, nn.Linear) else None)
print(f"{net.a.weight.sum().item():.4f}", nn.init.calculate_gain("relu"), net.get_submodule("b.0") is net.b[0])
print(net.get_parameter("a.weight") is net.a.weight, net.get_buffer("mean") is net.mean, net._get_name())
lazy = nn.LazyLinear(4)
print(lazy, lazy.weight)
print(lazy(torch.ones(2, 3)).shape, type(lazy).__name__, lazy.weight.shape)


class Scaled(nn.Linear):
    def __init__(self, *args, factor=2.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.factor = factor

    def forward(self, input):
        return super().forward(input) * self.factor

    def extra_repr(self):
        return super().extra_repr() + f", factor={self.factor}"


s = start(Scaled(3, 2, bias=False))
print(s, f"{s(x).sum().item():.5f}", nn.Linear in Scaled.__mro__, isinstance(s, nn.Linear))
x4 = normal(rng, 2, 3, 4, 4)
for m in (nn.BatchNorm2d(3), nn.InstanceNorm2d(3, affine=True), nn.GroupNorm(3, 3), nn.Upsample(scale_factor=2),
          nn.AdaptiveAvgPool2d(2), nn.ZeroPad2d(1), nn.PReLU(3), nn.Softmax(dim=1), nn.PixelUnshuffle(2), nn.Unfold(2)):  # fmt: skip
    out = m(x4)
    print(m, tuple(out.shape), f"{out.abs().sum().item():.4f}")
bn = nn.BatchNorm1d(3)
bn(x)
print(bn.running_mean, bn.num_batches_tracked, sorted(bn.state_dict()), isinstance(bn, nn.modules.batchnorm._BatchNorm))
weight = torch.tensor([1.0, 2.0])
loss = nn.CrossEntropyLoss(weight=weight)
print(loss.weight is weight, f"{loss(x[:, :2], torch.tensor([0, 1, 0, 1, 1])).item():.5f}", loss)
att = start(nn.MultiheadAttention(4, 2, batch_first=True))
out, w = att(x4[0], x4[0], x4[0])
print(tuple(out.shape), tuple(w.shape), f"{out.sum().item():.4f}", [n for n, _ in att.named_parameters()])
gru = start(nn.GRU(3, 4, 2, batch_first=True, bidirectional=True))
packed = nn.utils.rnn.pack_padded_sequence(normal(rng, 2, 5, 3), [5, 3], batch_first=True)
out, h = gru(packed)
out, lengths = nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
print(tuple(out.shape), lengths, f"{h.sum().item():.5f}", type(packed).__name__)
emb = nn.Embedding.from_pretrained(torch.arange(6.0).view(3, 2), freeze=False)
print(emb, emb(torch.tensor([0, 2])).detach(), emb.weight.requires_grad)
wn = torch.nn.utils.weight_norm(start(nn.Linear(2, 2)))
print([n for n, _ in wn.named_parameters()], f"{wn(torch.ones(1, 2)).sum().item():.5f}")
print(torch.nn.utils.parameters_to_vector(s.parameters()).shape, torch.nn.utils.remove_weight_norm(wn))
vec = torch.func.functional_call(s, {"weight": torch.ones(2, 3)}, (torch.ones(1, 3),))
print(vec, torch.vmap(lambda v: v.sum())(x).shape, torch.func.grad(lambda v: (v**2).sum())(torch.ones(2)))
