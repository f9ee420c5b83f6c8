"""A page of user code. What a type checker reveals of a line stands behind it, or that it is an error."""
# ruff: noqa: B018, F821, RUF005, RUF100

from collections.abc import Callable

import numpy as np

import tenure as tn
from tenure import data, func, nn, optim
from tenure.nn import functional as F
from tenure.typing import Operand


def twice(a: tn.Tensor) -> tn.Tensor:
    return a * 2


def scaled(a: tn.Tensor, by: Operand) -> tn.Tensor:
    return a * by


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.scale = nn.Parameter(1.0)

    def forward(self, x: tn.Tensor, flip: bool = False) -> tn.Tensor:
        return F.relu(self.hidden(x)) * self.scale


class Stack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.same = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])
        self.mixed = nn.ModuleList([nn.Linear(3, 3), nn.ReLU()])
        self.filled = nn.ModuleList()
        self.named: nn.ModuleDict[nn.Linear] = nn.ModuleDict({"a": nn.Linear(3, 3)})
        self.chain = nn.Sequential(nn.Linear(3, 3), nn.ReLU())

    def forward(self, x: tn.Tensor) -> tn.Tensor:
        for layer in self.same:
            x = layer(x)
        for module in self.mixed:
            x = module(x)
        return x

    def first(self, x: tn.Tensor) -> tn.Tensor:
        return self.same[0](x)

    def any_of_mixed(self, x: tn.Tensor) -> tn.Tensor:
        return self.mixed[-1](x)

    def any_of_filled(self, x: tn.Tensor) -> tn.Tensor:
        return self.filled[0](x)

    def named_one(self, x: tn.Tensor) -> tn.Tensor:
        return self.named["a"](x)

    def link(self, x: tn.Tensor) -> tn.Tensor:
        return self.chain[0](x)

    def child(self, x: tn.Tensor) -> tn.Tensor:
        return next(self.children())(x)


def applied(modules: nn.ModuleList, x: tn.Tensor) -> tn.Tensor:
    return modules[0](x)


class Two(nn.Module):
    def forward(self, x: tn.Tensor) -> tuple[tn.Tensor, int]:
        return x, 1


x, y = tn.ones(3, 3), tn.tensor([[1, 2, 3]] * 3)
model = Model()

# making tensors
reveal_type(tn.ones(3))  # Tensor
reveal_type(tn.zeros((2, 3), dtype=tn.float64))  # Tensor
reveal_type(tn.tensor([1.0, 2.0]))  # Tensor
reveal_type(tn.tensor([1.0, 2.0], requires_grad=True))  # Var
reveal_type(tn.ones(3, requires_grad=True))  # Var
reveal_type(tn.randn(2, 3))  # Tensor
reveal_type(tn.arange(3))  # Tensor
reveal_type(tn.from_numpy(np.ones(3)))  # Tensor
reveal_type(tn.frombuffer(b"", dtype=tn.int8))  # Tensor
tn.ones("a")  # error
tn.ones(2.5)  # error
tn.zeros(3, dtype=3)  # error
tn.tensor("abc")  # error
tn.full((2,), "x")  # error
tn.rand(3, generator=0)  # error

# operators
reveal_type(x @ y)  # Tensor
reveal_type(x + 1)  # Tensor
reveal_type(1 + x)  # Tensor
reveal_type(2.0 / x)  # Tensor
reveal_type(-x)  # Tensor
reveal_type(x == y)  # Tensor
reveal_type(x < 1)  # Tensor
reveal_type((x > 0) & ~(y == 0))  # Tensor
reveal_type(x**2)  # Tensor
reveal_type(abs(x))  # Tensor
reveal_type(x + np.ones(3))  # Tensor
x @ "s"  # error
x + "s"  # error
x + [1, 2]  # error

# attributes, indexing, reading
reveal_type(x[0])  # Tensor
reveal_type(x[1:, None, ...])  # Tensor
reveal_type(x[x > 0])  # Tensor
reveal_type(x[[0, 1], :])  # Tensor
reveal_type(x.shape)  # tuple[int, ...]
reveal_type(x.dtype)  # DType
reveal_type(x.ndim)  # int
reveal_type(x.T)  # Tensor
reveal_type(x.requires_grad)  # bool
reveal_type(x.grad)  # Borrow | None
reveal_type(x.item())  # float | int
reveal_type(float(x))  # float
reveal_type(len(x))  # int
reveal_type(x.size())  # tuple[int, ...]
reveal_type(x.size(0))  # int
reveal_type(list(x))  # list[Tensor]
x["a"]  # error
x[0.5]  # error
x[0] = 1  # error
x.shape = (9,)  # error
x.nothing  # error

# functions and methods
reveal_type(x.sum())  # Tensor
reveal_type(tn.sum(x, axis=0))  # Tensor
reveal_type(x.mean(dim=-1, keepdim=True))  # Tensor
reveal_type(x.max())  # Tensor
reveal_type(x.max(dim=0).indices)  # Tensor
reveal_type(x.exp().log())  # Tensor
reveal_type(x.add(1, alpha=2))  # Tensor
reveal_type(x.reshape(9).view(3, -1))  # Tensor
reveal_type(x.to(tn.float64).long())  # Tensor
reveal_type(x.split(1))  # tuple[Tensor, ...]
reveal_type(x.at[0].set(1.0))  # Tensor
reveal_type(tn.where(x > 0, x, 0.0))  # Tensor
reveal_type(tn.where(x > 0))  # tuple[Tensor, ...]
reveal_type(tn.matmul(x, y))  # Tensor
reveal_type(tn.concat([x, y]))  # Tensor
reveal_type(F.softmax(x, dim=-1))  # Tensor
reveal_type(F.cross_entropy(x, y))  # Tensor
reveal_type(twice(x))  # Tensor
x.sum(axis="b")  # error
tn.exp("s")  # error
tn.concat(3)  # error
x.add("s")  # error
x.exp(1, 2)  # error
F.relu("s")  # error

# places
v = x.mut()
reveal_type(v)  # Var
reveal_type(v.value)  # Tensor
reveal_type(v + 1)  # Tensor
reveal_type(v.add_(1))  # Var
reveal_type(v.data)  # Borrow
reveal_type(v.data[0].zero_())  # Borrow
reveal_type(v.zero_().clamp_(0, 1))  # Var
v[0] = 1
v += 1
v.data -= 0.1 * v
v.data = x
v.data = 1.0
v.data = "s"  # error
reveal_type(v)  # Var
reveal_type(tn.move(v))  # Var
with v.borrow_mut() as lent:
    reveal_type(lent)  # Borrow
with v.borrow() as shared:
    reveal_type(shared)  # SharedBorrow


def written(out: tn.Mut[tn.Var]) -> None:
    out[0] = 1
    out.mul_(2)


v.add_("s")  # error
v.copy_("s")  # error
v += "s"  # error

# modules
reveal_type(model(x))  # Tensor
reveal_type(model(x, flip=True))  # Tensor
reveal_type(nn.Linear(3, 4)(x))  # Tensor
reveal_type(nn.Sequential(nn.Linear(3, 4), nn.ReLU())(x))  # Tensor
reveal_type(nn.MSELoss()(x, y))  # Tensor
reveal_type(Two()(x))  # tuple[Tensor, int]
reveal_type(model.hidden.weight)  # Parameter
reveal_type(model.hidden.bias)  # Parameter | None
reveal_type(model.train())  # Model
reveal_type(next(model.parameters()))  # Parameter
reveal_type(dict(model.named_parameters()))  # dict[str, Parameter]
reveal_type(model.state_dict())  # dict[str, Tensor]
stack = Stack()
reveal_type(stack.same)  # ModuleList[Linear]
reveal_type(stack.same[0])  # Linear
reveal_type(stack.same[1:])  # ModuleList[Linear]
reveal_type(list(stack.same))  # list[Linear]
reveal_type(stack.named["a"])  # Linear
reveal_type(dict(stack.named.items()))  # dict[str, Linear]
reveal_type(stack.chain[0])  # Module
reveal_type(stack.chain[1:])  # Sequential
reveal_type(stack.filled.append(nn.ReLU()))  # ModuleList[Module]
reveal_type(applied(stack.filled, x))  # Tensor
stack.same.append(nn.ReLU())  # error
stack.same.append(3)  # error
nn.ModuleList([3])  # error
nn.Linear("a", 3)  # error
model("s")  # error
model()  # error
model(x, flop=True)  # error
nn.Linear(3, 4)("s")  # error

# training
opt = optim.SGD(model.parameters(), lr=0.1)
loss = model(x).sum()
reveal_type(loss.backward())  # None
reveal_type(opt.step())  # None
reveal_type(opt.step(lambda: 0.5))  # float
reveal_type(opt.state_dict())  # dict[str, Any]
reveal_type(nn.utils.clip_grad_norm_(model.parameters(), 1.0))  # Tensor
reveal_type(tn.autograd.grad(loss, [x]))  # tuple[Tensor, ...]
with tn.no_grad():
    pass
optim.SGD(model.parameters(), lr="x")  # error
optim.Adam(3)  # error
optim.Adam(model)  # error
optim.SGD(model, lr=0.1)  # error
optim.SGD(stack.same, lr=0.1)  # error
leaf = tn.ones(3, requires_grad=True)
optim.SGD(leaf, lr=0.1)  # error
optim.SGD([leaf, model.scale], lr=0.1)
optim.SGD([{"params": model.parameters(), "lr": 0.1}, {"params": [leaf]}], lr=0.01)
loss.backward(retain_graph="s")  # error


# transforms
def f(a: tn.Tensor, b: tn.Tensor) -> tn.Tensor:
    return (a * b).sum()


def of_tree(params: dict[str, tn.Tensor], a: tn.Tensor) -> tn.Tensor:
    return (params["w"] * a).sum()


def with_aux(a: tn.Tensor) -> tuple[tn.Tensor, str]:
    return a.sum(), "aux"


reveal_type(tn.grad(f)(x, y))  # Tensor
reveal_type(tn.grad(of_tree)({"w": x}, y))  # dict[str, Tensor]
reveal_type(tn.grad(with_aux, has_aux=True)(x))  # tuple[Tensor, str]
reveal_type(tn.value_and_grad(f)(x, y))  # tuple[Tensor, Tensor]
reveal_type(tn.value_and_grad(of_tree)({"w": x}, y))  # tuple[Tensor, dict[str, Tensor]]
reveal_type(tn.vmap(f)(x, y))  # Tensor
reveal_type(tn.vmap(tn.grad(f), in_axes=(None, 0))(x[0], y))  # Tensor
reveal_type(tn.vjp(f, x, y)[0])  # Tensor
reveal_type(tn.jvp(f, (x, y), (x, y)))  # tuple[Tensor, Tensor]
reveal_type(tn.jacrev(twice)(x))  # Tensor
reveal_type(tn.hessian(f)(x, y))  # Tensor
reveal_type(tn.checkpoint(f)(x, y))  # Tensor
reveal_type(tn.checkpoint(f, x, y))  # Tensor
reveal_type(func.functional_call(model, {}, x))  # Tensor
lambdas: tn.Tensor = tn.grad(lambda a: (a * a).sum())(x) + tn.vmap(lambda a: a * 2)(x)
tn.grad(f)("s", y)  # error
tn.vmap(f)(x)  # error
tn.grad(3)  # error


@tn.custom_vjp
def clipped(a: tn.Tensor) -> tn.Tensor:
    return a


@tn.checked
def reads(a: tn.Ref[tn.Tensor], out: tn.Mut[tn.Var]) -> int:
    return a.numel()


@tn.no_grad()
def quiet(a: tn.Tensor) -> tn.Tensor:
    return a


reveal_type(clipped(x))  # Tensor
reveal_type(reads(x, v))  # int
reveal_type(quiet(x))  # Tensor
clipped("s")  # error
callback: Callable[[tn.Tensor], tn.Tensor] = tn.exp

# data
class Pairs(data.Dataset[tuple[tn.Tensor, tn.Tensor]]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> tuple[tn.Tensor, tn.Tensor]:
        return x[i], y[i]


class Labelled(data.Dataset[tuple[tn.Tensor, int]]):
    def __getitem__(self, i: int) -> tuple[tn.Tensor, int]:
        return x[i], i


class Untold(data.Dataset):
    def __getitem__(self, i: int) -> str:
        return str(i)


def longest(samples: list[str]) -> str:
    return max(samples)


reveal_type(len(data.TensorDataset(x, y)))  # int
reveal_type(data.TensorDataset(x, y)[0])  # tuple[Tensor, ...]
reveal_type(data.TensorDataset(x, v)[0])  # tuple[Tensor, ...]
reveal_type(data.TensorDataset(np.ones(3))[0])  # tuple[ndarray[Any, Any], ...]
reveal_type(data.random_split(range(10), [0.8, 0.2]))  # list[Subset[int]]
reveal_type(data.random_split(Pairs(), [0.8, 0.2])[0][1])  # tuple[Tensor, Tensor]
reveal_type(data.Subset(Pairs(), [1, 0]))  # Subset[tuple[Tensor, Tensor]]
reveal_type((Pairs() + Labelled())[0])  # tuple[Tensor, Tensor] | tuple[Tensor, int]
reveal_type(next(iter(data.DataLoader(x, 2))))  # Tensor
reveal_type(next(iter(data.DataLoader([1.0, 2.0], 2))))  # Tensor
reveal_type(next(iter(data.DataLoader(Pairs(), batch_size=2, shuffle=True))))  # tuple[Tensor, Tensor]
reveal_type(next(iter(data.DataLoader(Pairs(), batch_size=None))))  # tuple[Tensor, Tensor]
reveal_type(next(iter(data.DataLoader(Labelled(), sampler=[1, 0]))))  # tuple[Tensor, ...]
reveal_type(next(iter(data.DataLoader(["a", "b"], collate_fn=longest))))  # str
for xb, yb in data.DataLoader(data.Subset(Pairs(), [0, 1]), batch_size=2):
    scaled(xb, 2)
    reveal_type(yb)  # Tensor
for batch in data.DataLoader(data.TensorDataset(x, y), batch_size=2):
    scaled(batch[0], 2)
    reveal_type(batch)  # tuple[Tensor, ...]
loader: data.DataLoader = data.DataLoader(Untold(), 2, True)
data.DataLoader(3)  # error
data.DataLoader(x, batch_size="s")  # error
data.TensorDataset("s")  # error
data.Subset(3, [0])  # error
