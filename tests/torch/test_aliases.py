"""The law of the face: a program prints what PyTorch prints, or stops where an alias would have decided."""

import os

import pytest

from tests.torch.law.runner import compared, in_double, kinds, run
from tests.torch.law.worlds import World

pytestmark = pytest.mark.peers
FUZZ = bool(os.environ.get("TENURE_FUZZ"))
PARTS = 5 if FUZZ else 2
PROGRAMS = {"plain": 1_600, "wide": 250, "models": 150} if FUZZ else {"plain": 60, "wide": 10, "models": 5}
"""Programs of a part, by kind: 20,000 in all in the long run, 300 in the gate."""
ALLOWED = {"plain": 100, "wide": 20, "models": 12}
"""One program of so many may differ."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", PROGRAMS)
def test_programs_under_pytorch_aliasing_are_pytorchs_after_every_statement(kind, part):
    count = PROGRAMS[kind]
    counts, bad = run(kind, range(part * count, (part + 1) * count), "pytorch")
    assert counts["statements"] > 10 * count
    assert len(bad) <= 1 + count // ALLOWED[kind], bad


@pytest.mark.parametrize("part", range(PARTS, 2 * PARTS))
@pytest.mark.parametrize("kind", PROGRAMS)
def test_safe_programs_print_what_pytorch_prints_or_stop(kind, part):
    count = PROGRAMS[kind]
    counts, bad = run(kind, range(part * count, (part + 1) * count), "safe")
    assert kind != "plain" or counts["stopped"] > count // 10
    assert not [found for _, found, _ in bad if found.startswith("print")], bad
    assert len(bad) <= 1 + count // ALLOWED[kind], bad


MENDED = """
t0 = torch.ones(2, 3); t1 = torch.einsum('ij->ji', t0); t0.zero_()
t0 = torch.zeros(2, 3); t0.t_(); t1 = nn.Parameter(t0)
t0 = torch.ones(3); t1 = t0[:2]; t2 = nn.Parameter(t0); t2.data.zero_()
t0 = torch.ones(3); L[:] = torch.load(saved([t0, t0[:2]])); L[1].zero_()
t0 = torch.ones(3); L[:] = torch.load(saved([t0.clone(), t0.clone()])); L[1].zero_()
t0 = torch.arange(6.).view(2, 3); L[:] = copy.deepcopy([t0.t(), t0[1]]); L[1].zero_()
t0 = torch.arange(6.).view(2, 3).t(); t1 = torch.hypot(t0, t0); L[:] = copy.deepcopy([t1, t1[...]])
t0 = torch.arange(6.).view(2, 3); L[:] = pickle.loads(pickle.dumps([t0[:, :2], t0[:, 1]]))
t0 = torch.ones(2); t1 = t0.view(torch.int64); print(t1.numpy().sum())
t0 = torch.complex(torch.ones(2), torch.zeros(2)); print(t0.real.numpy().sum(), t0.imag.numpy().sum())
t0 = torch.ones(2, requires_grad=True); t1 = t0.view(torch.int64); t1.add_(1)
t0 = torch.ones(2, requires_grad=True); t1 = torch.complex(t0, t0); t1.sum().backward()
t0 = torch.ones(2, requires_grad=True); t0.set_(t0)
t0 = torch.ones(2, requires_grad=True); t0.resize_(1)
t0 = torch.ones(1, 2, requires_grad=True); t1 = t0[0]; t1.unsqueeze_(0)
t0 = torch.zeros(2, 3); n0 = t0.numpy(); t0.unsqueeze_(0)
t0 = torch.arange(6.).view(2, 3); t0.t_(); t0.resize_(2)
t0 = torch.arange(3); t0 = torch.where(t0 > 0.5, t0, 0.5)
t0 = torch.ones(2) > 0; t1 = t0 - 1.
t0 = torch.arange(3); t0.scatter_(0, torch.tensor([1]), 0.5)
t0 = torch.zeros(2, 1); t0.fill_diagonal_(0.5)
t0 = torch.ones(1, 3); t1 = torch.nn.Parameter(t0); t2 = t0.as_strided((2,), (1,))
t0 = torch.ones(3); t1 = t0.detach(); t2, t3 = t1[:1], t1[1:]; t3[0] = torch.ones((), requires_grad=True)
t0 = torch.ones(2, requires_grad=True); t0.register_post_accumulate_grad_hook(lambda p: p * 1); t0.sum().backward()
t1 = torch.ones(2, requires_grad=True); t1.register_post_accumulate_grad_hook(lambda p: print(1)); t1.sum().backward()
t0 = torch.ones(2, requires_grad=True); t1 = torch.no_grad()(lambda: Written.apply(t0))(); t2 = torch.no_grad()(lambda: Same.apply(t0))()
t0 = torch.ones(2); t1 = Same.apply(t0); t0.zero_()
m0 = set_up(Block()); s0 = m0.state_dict(); m0 = set_up(Tied()); torch.func.functional_call(m0, s0, (torch.ones(2, 3),))
m0 = set_up(nn.Linear(3, 3)); s0 = m0.state_dict(); m0.bias = None; t0 = torch.func.functional_call(m0, s0, (torch.ones(2, 3),))
m0 = set_up(nn.Linear(3, 3)); m0.weight.grad = torch.ones(3, 3) / 3; t0 = m0.weight.grad; m0.float(); m0.double()
m0 = set_up(nn.Linear(3, 3)); m0.weight.requires_grad = False; m0.weight.grad = torch.ones(3, 3); torch.optim.SGD(m0.parameters(), lr=0.1).step()
m0 = set_up(nn.Linear(3, 3)); nn.utils.parametrize.register_parametrization(m0, 'weight', Half()); m1 = copy.deepcopy(m0)
"""  # noqa: E501
"""Smallest programs that once differed, a line each."""


@pytest.mark.parametrize("line", MENDED.strip().splitlines())
def test_what_once_differed_is_pytorchs(line):
    torch = pytest.importorskip("torch")
    prelude = kinds()["models"].prelude
    with in_double():
        _, counts, found = compared(World(torch, prelude), iter(line.split("; ")), prelude, "pytorch")
    assert found is None
    assert not [name for name in counts if name.startswith(("left out", "goes on"))]
