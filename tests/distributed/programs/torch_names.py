"""A program of PyTorch's, run by PyTorch on gloo and by the face on MPI; each rank prints what it comes to."""

import os
import sys

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.nn.parallel import DistributedDataParallel as DDP

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
assert (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])) == (rank, size) and dist.is_initialized()
out = []


@record
def say(name, *xs):
    out.append(f"{name} " + " ".join(str([round(v, 4) + 0.0 for v in x.flatten().tolist()]) for x in xs))


x = torch.arange(4.0) + 10 * rank
y = x.clone()
dist.all_reduce(y)
say("all_reduce", y)
y = x.clone()
view = y[1:3]
dist.all_reduce(view, op=dist.ReduceOp.MAX)
say("a view", y)
y = x.clone()
work = dist.all_reduce(y, async_op=True)
work.wait()
say("work", y)
y = x.clone()
dist.broadcast(y, src=size - 1)
say("broadcast", y)
several = [torch.zeros(4) for _ in range(size)]
dist.all_gather(several, x)
say("all_gather", *several)
whole = torch.zeros(4 * size)
dist.all_gather_into_tensor(whole, x)
say("into", whole)
y = x.clone()
dist.reduce(y, dst=0)
if rank == 0:
    say("reduce", y)
held = [torch.zeros(4) for _ in range(size)] if rank == 1 else None
dist.gather(x, held, dst=1)
if rank == 1:
    say("gather", *held)
y = torch.zeros(2)
dist.scatter(y, [torch.full((2,), float(k)) for k in range(size)] if rank == 0 else None, src=0)
say("scatter", y)
objects = [None] * size
dist.all_gather_object(objects, {"rank": rank})
out.append(f"objects {objects}")
objects = [rank, "b"] if rank else ["a", 3]
dist.broadcast_object_list(objects, src=0)
out.append(f"objects {objects}")
pair = dist.new_group([0, 1])
y = x.clone()
dist.all_reduce(y, group=pair)  # a rank outside of it is warned, and takes no part
say("group", y)
if rank < 2:
    out.append(f"ranks {dist.get_process_group_ranks(pair)} {dist.get_rank(pair)}")
if rank == 0:
    dist.send(x * 2, dst=1, tag=3)
elif rank == 1:
    y = torch.zeros(4)
    dist.recv(y, src=0, tag=3)
    say("recv", y)
if rank == 0:
    y = torch.zeros(2)
    out.append(f"from {dist.recv(y)} {y.tolist()}")
elif rank == 1:
    dist.send(torch.tensor([5.0, 6.0]), dst=0)
y = torch.empty(sum(range(1, size + 1)))
dist.all_to_all_single(y, torch.full((size * (rank + 1),), float(rank)), list(range(1, size + 1)), [rank + 1] * size)
say("parts that differ", y)
dist.barrier()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(3, 4), nn.Linear(4, 2), nn.BatchNorm1d(4)
        with torch.no_grad():
            for k, p in enumerate(self.parameters()):
                p.copy_(torch.linspace(-1, 1, p.numel()).reshape(p.shape) * (k + 1 + rank))

    def forward(self, x):
        return self.b(torch.tanh(self.norm(self.a(x))))


model = DDP(Net())
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(3):
    data = torch.linspace(-2, 2, 12).reshape(4, 3) * (rank + 1) + step
    opt.zero_grad()
    with model.no_sync():
        F.mse_loss(model(data), torch.ones(4, 2)).backward()
    F.mse_loss(model(data * 0.5), torch.zeros(4, 2)).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
say("weights", *[p.detach() for p in model.parameters()])
say("gradients", *[p.grad for p in model.module.parameters()])
model.eval()
say("eval", model(torch.ones(2, 3)).detach(), *[b.double() for b in model.buffers()])
out.append(f"names {list(model.state_dict())}")
text = "\n".join(out)
if len(sys.argv) > 1:
    with open(f"{sys.argv[1]}.{rank}", "w") as file:
        file.write(text)
dist.destroy_process_group()
