"""Recorded operations in generated code: the same trie, errors and lines as in Python, and no reference too many."""

import ctypes
import gc
import inspect
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import tenure as tn
import tenure.torch
from tenure.values.native import hits, hits_layout
from tenure.values.operations import arithmetic
from tenure.values.rules import rows as rows_module
from tenure.values.run import force
from tenure.values.trace import record
from tenure.values.trace.record import RECORDER, Trace

needs_code = pytest.mark.skipif(hits.CODE is None, reason="there is no generated recorder on this platform")


@pytest.mark.skipif(not hits.AVAILABLE, reason="there are no builtins on this platform")
def test_objects_are_laid_out_as_the_code_expects():
    assert hits_layout.as_laid_out()
    assert hits.CODE is not None


def operands():
    a = np.linspace(0.5, 2.0, 6, dtype=np.float32).reshape(2, 3)
    return tn.tensor(a), tn.tensor(a + 1, requires_grad=True), tn.Var(tn.tensor(a * 2)), tn.nn.Parameter(tn.tensor(a))


def computation(x, y, v, p, number):
    """Operators with tensors, places and numbers on either side, methods, functions, indices."""
    z = x * y + v * 1.5 - number / x
    z = (2 - p) * z + (z > 1).float() * True
    z = z.tanh().exp() - abs(-z) + tn.maximum(z, x)
    z = z + z[0] + z[:, 1:2] + z[1, 2] + tn.where(z > 0, z, 0.0) + z.data
    return z.reshape(3, 2).sum(0) @ tn.concat([x[0, :2], y[1, 1:]])[:2]


def writes(x, v, p, k):
    """Every way to write a place that has code of its own, and some that have not."""
    borrow = v.data
    borrow -= 0.25 * x
    v.data = v + 1.0
    v *= 2.0
    v.sub_(x)
    v.add_(x, alpha=2)
    v.data.zero_()
    v.data.fill_(0.5 * k)
    v[0] = 1.5
    v.data[1] += x[0]
    with tn.no_grad():
        p.mul_(1.0 - 0.01 * p)
        p.div_(1.5)
    p.grad.mul_(0.5)
    p.grad.data.zero_()
    if k % 2:
        p.grad = None
    return borrow


PROGRAM = """
import hashlib, sys
import numpy as np
import tenure as tn
sys.path.insert(0, {folder!r})
from test_hits import computation, operands, writes
from tenure.values.native import hits, hits_layout
assert (hits.CODE is None) == ({builtins!r} == "0")
x, y, v, p = operands()
digest = hashlib.sha256()
for k in range(5):
    z = computation(x, y, v, p, 0.25 * k)
    z.backward()
    v.copy_(v * 0.5)
    p.data = p - 0.1 * p.grad
    for t in (z, y.grad, p, v, writes(x, v, p, k), v, p):
        digest.update(t.detach().numpy().tobytes())
print(digest.hexdigest())
"""


def test_python_and_generated_code_record_the_same():
    found = set()
    for builtins in ("0", "1"):
        code = PROGRAM.format(folder=os.path.dirname(__file__), builtins=builtins)
        if hits.CODE is None and builtins == "1":
            continue
        environment = {**os.environ, "TENURE_BUILTINS": builtins}
        found.add(subprocess.check_output([sys.executable, "-c", code], env=environment, text=True))
    assert len(found) == 1


@needs_code
def test_a_path_taken_in_python_is_the_path_that_generated_code_takes(monkeypatch):
    x, y, v, p = operands()
    for _ in range(3):
        first = computation(x, y, v, p, 0.5).item()
    before = dict(force.COUNTS)
    assert computation(x, y, v, p, 0.5).item() == first
    assert force.COUNTS["rows"] == before["rows"]
    by_operator = x * y
    path = RECORDER.trace.point()
    RECORDER.flush()
    by_name = tn.multiply(x, y)  # has no code of its own
    assert RECORDER.trace.point() is path
    assert by_name.tolist() == by_operator.tolist()


def leaves_nothing(run, watched):
    """Runs leave no reference to what is watched behind, and no object: of three times, in one at least, as what is
    imported or cached meanwhile stays once."""
    for last in (False, False, True):
        gc.collect()
        counts, alive = [sys.getrefcount(w) for w in watched], len(gc.get_objects())
        for _ in range(3000):  # what earlier tests have left, and is dropped meanwhile, is little beside that
            run()
        gc.collect()
        grown = [sys.getrefcount(w) - c for w, c in zip(watched, counts, strict=True)]
        more = len(gc.get_objects()) - alive
        if all(abs(g) < 600 for g in grown) and more < 60:
            return
        assert not last, (grown, more)


@needs_code
@pytest.mark.parametrize("numbers", [(), (1.5, 2), (0.0, -0.0, float("nan"), 0, False, 3.0)])
@pytest.mark.parametrize("turns", [1, 9, 90])
def test_a_new_block_of_generated_code_is_that_of_python(numbers, turns, monkeypatch):
    tn.ones(1).item()
    monkeypatch.setattr(rows_module.Path, "follow", None)
    x = tn.tensor([1.5, -2.0], requires_grad=turns == 9)
    y = x
    for k in range(turns):
        y = tn.sin(y) + x * (2.0 + turns + 0.25 * k)
        for number in numbers:
            y = y * number
    t = RECORDER.trace
    before, rows = t.path, (list(t.rules), list(t.slots), t.scalars[t.path.scalars :])
    count, t.busy = force.COUNTS["rows"], True  # who holds a trace is not interrupted in generated code
    path = t.point()
    t.busy = False
    assert path is before.likely and t.path is path and (t.rules, t.slots) == ([], [])
    assert before.next[tuple(rows[0]), tuple(rows[1])] is path and force.COUNTS["rows"] == count + len(rows[0])
    monkeypatch.undo()
    twin = rows_module.Path(before, tuple(rows[0]), tuple(rows[1]), rows[2])
    for name in rows_module.Path.__slots__:
        mine, other = getattr(path, name), getattr(twin, name)
        assert (mine == other and type(mine) is type(other)) or str(mine) == str(other), name


@needs_code
def test_no_reference_is_left_behind():
    x, y, v, p = operands()
    for _ in range(50):
        computation(x, y, v, p, 0.5).item()
    watched = [x, y, v._val, p._val, arithmetic.ADD, None, True, False, float, int, 1]
    leaves_nothing(lambda: computation(x, y, v, p, 0.5).item(), watched)


@needs_code
def test_what_a_step_refuses_leaves_the_trace_as_it_was():
    x, y, _, _ = operands()
    z = x * y
    results, inputs = len(RECORDER.trace.handles), len(RECORDER.trace.inputs)
    for bad in (lambda: x * "a", lambda: x + object(), lambda: tn.tanh("a"), lambda: x.tanh(1)):
        with pytest.raises(TypeError):
            bad()
    with pytest.raises(tn.errors.ShapeError):
        x @ y
    with pytest.raises(tn.errors.DTypeError, match="does not fit"):
        tn.tensor([1], dtype=tn.int32) + 2**40
    with pytest.raises(tn.errors.DTypeError):
        x * [1.0]
    assert len(RECORDER.trace.handles) == results and len(RECORDER.trace.inputs) <= inputs + 2
    assert not RECORDER.trace.busy
    assert np.allclose(z.detach().numpy(), x.numpy() * y.detach().numpy())


@needs_code
def test_numbers_of_other_kinds_take_paths_of_their_own():
    x = tn.tensor([1.0, 2.0])
    i = tn.tensor([1, 2])
    for number, dtype in ((1, tn.int64), (1.0, tn.float32), (True, tn.int64), (np.float32(1), tn.float32)):
        for _ in range(3):
            z = i * number
            assert z.dtype is dtype and (x * number).dtype is tn.float32
    for number in (2, 3, 2**62, -(2**63)):
        assert (i + 0 * i + number).tolist()[0] == (1 + number if number != 2**62 else 2**62 + 1)


@needs_code
def test_modes_are_kept():
    x = tn.tensor([1.0], requires_grad=True)
    for _ in range(3):
        a = x * 2.0
        with tn.no_grad():
            b = x * 2.0
        c = x * 2.0
        assert (a.requires_grad, b.requires_grad, c.requires_grad) == (True, False, True)
        with tn.eager():
            assert (x * 3.0)._data is not None


@needs_code
def test_a_busy_trace_is_left_alone():
    x = tn.tensor([1.0, 2.0])
    (x * 2.0).tolist()
    t = RECORDER.trace
    t.busy = True
    z = x * 2.0
    assert RECORDER.trace is not t and not t.handles
    assert z.tolist() == [2.0, 4.0]


@needs_code
def test_every_thread_records_in_its_own_trace():
    x = tn.tensor(np.arange(4.0, dtype=np.float32))
    out, barrier = {}, threading.Barrier(3)

    def work(k):
        barrier.wait()
        for _ in range(200):
            z = x
            for _ in range(5):
                z = z * 1.0 + float(k)
            out.setdefault(k, set()).add(tuple(z.tolist()))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert out == {k: {tuple(float(e + 5 * k) for e in range(4))} for k in range(3)}


@needs_code
def test_an_operation_is_named_by_its_line():
    x = tn.tensor([1.0])
    (x * 2.0).tanh().sum()
    handles = RECORDER.trace.handles[-3:]
    own = sys._getframe().f_code
    assert [h._code for h in handles] == [own] * 3
    assert len({h._lasti for h in handles}) == 3


@needs_code
def test_indices_that_are_equal_but_not_the_same_keep_apart():
    x = tn.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    a = x.numpy()
    for _ in range(3):
        for key in (
            (1, 2),
            (slice(1, 2), 2),
            (slice(1, None, 2), ...),
            (..., -1),
            (None, 1),
            slice(0, 2),
            (slice(2), slice(-3, None)),
        ):
            assert np.array_equal(x[key].numpy(), a[key])
        for key in ((True, 2), (np.int64(1), 2), (slice(np.int64(1), 2), 0), ([0, 1], 1)):
            assert np.array_equal(x[key].numpy(), a[key])
        for key in ((1.0, 2), (slice(1.0, 2), 2), (1, 2, 3), (0, 4)):
            with pytest.raises((tn.errors.DTypeError, tn.errors.OutOfRange)):
                x[key]


@needs_code
def test_the_code_knows_every_object_that_it_asks_for():
    assert tn.nn.Module and tn.optim.SGD and tenure.torch.nn.Parameter
    tn.tensor([1.0]) * 2.0  # the thread's own are found at the first step
    unknown = [
        name
        for name, at in hits.CODE._address.items()
        if name.startswith("o_") and not ctypes.c_void_p.from_address(at).value
    ]
    assert not unknown


@needs_code
def test_a_trace_begun_in_generated_code_is_as_any_other():
    x = tn.tensor([1.0, 2.0])
    for _ in range(3):
        (x * 2.0).sum().item()
    made, blank = RECORDER.trace, Trace()
    for slot in Trace.__slots__:
        a, b = getattr(made, slot), getattr(blank, slot)
        if slot in ("lock", "token", "__weakref__"):
            assert type(a) is type(b) and a is not b
        elif type(b) in (list, dict):
            assert type(a) is type(b) and not a
            assert all(a is not getattr(made, other) for other in Trace.__slots__ if other != slot)
        elif slot != "mode":
            assert a is b or a == b, slot


def test_what_is_refused_is_refused_when_it_was_seen_before_too():
    x = tn.tensor([3.0, 4.0], requires_grad=True)
    v = tn.zeros(2).mut()
    for _ in range(4):
        old = v.data
        v += 1.0
        with pytest.raises(tn.errors.StaleBorrowError, match="TN597"):
            old -= 1.0
        with pytest.raises(tn.errors.StaleBorrowError, match="TN597"):
            old.zero_()
        with pytest.raises(tn.errors.WriteError, match="TN594"):
            x.add_(1.0)
        with pytest.raises(tn.errors.ShapeError, match="TN802"):
            v.data = tn.zeros(3)
        with pytest.raises(tn.errors.ShapeError, match="TN802"):
            v -= tn.zeros(3, 2)
        with pytest.raises(tn.errors.DTypeError, match="TN802"):
            v.data = tn.tensor([1, 2])
        with v.borrow() as lent, pytest.raises(tn.errors.BorrowError, match="TN506"):
            v *= lent
        with v.borrow_mut() as own:
            own += 1.0
            with pytest.raises(tn.errors.BorrowError, match="TN503"):
                v.data.zero_()
            with pytest.raises(tn.errors.BorrowError, match="TN503"):
                v.sub_(1.0)
        with pytest.raises(AttributeError):
            del v.data
        with pytest.raises(AttributeError):
            del x.grad
        z = (x * x).sum()
        z.backward()
        with pytest.raises(tn.errors.UseAfterMove, match="TN382"):
            z.backward()
        with pytest.raises(tn.errors.GradientError, match="TN804"):
            (v * 2.0).sum().backward()
        with pytest.raises(tn.errors.ShapeError, match="TN802"):
            (x * 2.0).item()
        assert x.grad.tolist() == [6.0, 8.0]
        x.grad = None
    assert v.tolist() == [8.0, 8.0]


def test_what_was_read_before_a_write_stays():
    w, g = tn.tensor([1.0, 2.0], requires_grad=True), tn.tensor([0.5, 0.5])
    for k in range(5):
        value, borrow, grad = w.value, w.data, None
        (w * w).sum().backward()
        grad = w.grad
        kept = grad.tolist()
        w.data -= g
        (w * 3.0).sum().backward()
        assert value.tolist() == [1.0 - 0.5 * k, 2.0 - 0.5 * k] == borrow.tolist()
        assert grad.tolist() == kept
        assert w.grad.tolist() == [a + 3.0 for a in kept]
        w.grad = None


@needs_code
def test_a_training_step_leaves_nothing_behind():
    model = tn.nn.Sequential(tn.nn.Linear(3, 4), tn.nn.Tanh(), tn.nn.Linear(4, 1))
    optimizer, x = tn.optim.Adam(model.parameters(), 1e-3), tn.ones(5, 3)

    def step():
        optimizer.zero_grad()
        loss = tn.nn.functional.mse_loss(model(x), tn.zeros(5, 1))
        loss.backward()
        optimizer.step()
        model[0].weight.data.zero_()
        return loss.item()

    for _ in range(50):
        step()
    watched = [x, *model.parameters(), None, True, False, 0, 1, (), tn.float32, RECORDER.__dict__]
    leaves_nothing(step, watched)


@needs_code
def test_a_finalizer_that_writes_is_heard_at_any_allocation():
    v, written = tn.zeros(3).mut(), 0

    class Cycle:
        def __del__(self):
            v.add_(1.0)

    w = tn.tensor([1.0, 2.0], requires_grad=True)
    before = gc.get_threshold()
    gc.set_threshold(1)  # at every allocation of a container
    try:
        for _ in range(60):
            cycle = Cycle()
            cycle.itself = cycle
            del cycle
            written += 1
            (w * w).sum().backward()
            w.data -= 0.1 * w.grad
            w.grad.data.zero_()
            assert w.sum().item() > 0
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert v.tolist() == [float(written)] * 3


@needs_code
def test_the_text_of_the_code_comes_back_from_disk_as_it_was(tmp_path, monkeypatch):
    offsets = {f"{of.__name__.lower()}.{k}": hits.offset(of, k) for of, names in hits.SLOTS.items() for k in names}
    blank = {name: getattr(Trace(), name) for name in Trace.__slots__}
    made = hits.hits_module.made(offsets, blank)
    assert hits.hits_module.Made.unpacked(made.packed()) == made
    monkeypatch.setenv("TENURE_CACHE_DIR", str(tmp_path))
    for _ in range(2):
        assert hits.hits_module.remembered(offsets, blank) == made


def test_a_method_says_how_it_is_called():
    names = ["gradient", "retain_graph", "create_graph", "inputs"]
    assert list(inspect.signature(tn.tensor([1.0]).backward).parameters) == names
    assert list(inspect.signature(tn.Var.fill_).parameters)[1:] == ["number"]
    assert "gradient" in tn.Tensor.backward.__doc__


def test_a_place_as_an_operand_is_its_value():
    place, x = tn.zeros(3).mut(), tn.ones(3)
    for call in (hits.apply, record.apply):
        for operands in ((place, x), (x, place)):
            for _ in range(3):
                assert call(arithmetic.ADD, operands).tolist() == [1.0, 1.0, 1.0]
