"""Values never change; places are written, and what was read from them before stays what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn


def leaf(*numbers: float) -> Any:
    """A differentiation leaf."""
    return tn.tensor(list(numbers), requires_grad=True)


WRITES: list[Callable[[Any], Any]] = [
    lambda v: v.__setitem__(0, 9.0),
    lambda v: v.__setitem__(slice(None), tn.ones(3)),
    lambda v: v.__iadd__(1),
    lambda v: v.__imul__(tn.ones(3) * 2),
    lambda v: v.add_(1),
    lambda v: v.zero_(),
    lambda v: v.fill_(7),
    lambda v: v.copy_(tn.ones(3)),
    lambda v: v.exp_(),
    lambda v: v.clamp_(0, 1),
    lambda v: setattr(v, "data", tn.ones(3)),
    lambda v: v.data.zero_(),
    lambda v: v.data.__setitem__(1, 4.0),
    lambda v: v.data[1:].mul_(3),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_changes_the_place_and_nothing_that_was_read(write: Callable[[Any], Any]) -> None:
    v = tn.tensor([1.5, 2.0, 3.0]).mut()
    value, derived, part, borrowed, items = v.value, v * 2, v[1:], v.data, list(v)
    exported, lent = v.numpy(), memoryview(v.numpy())
    write(v)
    assert value.tolist() == exported.tolist() == lent.tolist() == borrowed.tolist() == [1.5, 2.0, 3.0]
    assert (derived.tolist(), part.tolist()) == ([3.0, 4.0, 6.0], [2.0, 3.0])
    assert [e.item() for e in items] == [1.5, 2.0, 3.0]
    assert v.tolist() != [1.5, 2.0, 3.0]


@pytest.mark.parametrize("write", WRITES)
def test_a_gradient_uses_what_was_read(write: Callable[[Any], Any]) -> None:
    v = tn.tensor([1.5, 2.0, 3.0]).mut()
    w = leaf(1.0, 1.0, 1.0)
    loss = (w * v).sum()
    write(v)
    loss.backward()
    assert w.grad.tolist() == [1.5, 2.0, 3.0]


@pytest.mark.parametrize("read_between", [False, True])
def test_data_update_in_both_spellings(read_between: bool) -> None:
    w = leaf(1.0, 2.0)
    for _ in range(3):
        w.grad = None
        loss = (w * w).sum()
        if read_between:
            loss.item()
        loss.backward()
        w.data -= 0.25 * w.grad
        w.data = w.data - 0.25 * w.grad
    assert w.tolist() == [0.0, 0.0]
    assert w.requires_grad and w.is_leaf


def test_a_loss_recorded_before_an_update_differentiates_the_old_weights() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    w.data -= 1
    loss.backward()
    assert (w.grad.tolist(), w.tolist()) == ([2.0, 4.0], [0.0, 1.0])


def test_parts_of_data_are_written_through() -> None:
    w = leaf(1.0, 2.0, 3.0)
    w.data[0].zero_()
    w.data[1] = 7
    w.data[2:] += 1
    assert w.tolist() == [0.0, 7.0, 4.0]
    w.data[:2][1].fill_(5)
    assert w.tolist() == [0.0, 5.0, 4.0]


def test_parts_of_two_axes() -> None:
    v = tn.zeros(3, 4).mut()
    v.data[1][2] = 1
    v.data[:, 0][::2].fill_(2)
    v.data[-1, 1:3] = tn.tensor([5.0, 6.0])
    v.data[0][None][0, 3].fill_(8)
    assert v.tolist() == [[2, 0, 0, 8], [0, 0, 1, 0], [2, 5, 6, 0]]


def test_the_previous_gradient_stays_what_it_was() -> None:
    w = leaf(1.0, 2.0)
    kept = []
    for k in range(1, 4):
        (w * w * k).sum().backward()
        kept.append((w.grad, w.grad.tolist()))
        w.grad = None
    assert [g.tolist() for g, _ in kept] == [then for _, then in kept] == [[2, 4], [4, 8], [6, 12]]


def test_a_gradient_kept_while_it_accumulates_or_is_written() -> None:
    w = leaf(1.0)
    (w * 3).backward()
    first = w.grad
    (w * 4).backward()
    second = w.grad
    w.grad.zero_()
    assert (first.tolist(), second.tolist(), w.grad.tolist()) == ([3.0], [7.0], [0.0])


def test_writes_to_a_gradient() -> None:
    w = leaf(1.0, 2.0)
    assert w.grad is None
    (w * w).sum().backward()
    w.grad.mul_(10)
    assert w.grad.tolist() == [20.0, 40.0]
    w.grad[0] = 1
    w.grad += 1
    assert w.grad.tolist() == [2.0, 41.0]
    w.grad.data.zero_()
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]
    w.grad = tn.tensor([7.0, 7.0])
    (w * w).sum().backward()
    assert w.grad.tolist() == [9.0, 11.0]
    w.grad = None
    assert w.grad is None
    assert not leaf(1.0).data.requires_grad


def test_a_gradient_needs_no_gradient() -> None:
    w = leaf(3.0)
    (w * w).backward()
    assert not w.grad.requires_grad and w.grad.grad_fn is None
    assert not (w.grad * 2).requires_grad


@pytest.mark.parametrize("shape", [(2,), (3, 1), ()])
def test_a_place_keeps_its_shape(shape: tuple[int, ...]) -> None:
    v = tn.zeros(3).mut()
    with pytest.raises(tn.ShapeError, match="TN802"):
        v.data = tn.ones(shape)
    assert v.tolist() == [0.0] * 3


def test_a_place_keeps_its_dtype() -> None:
    v, whole = tn.zeros(3).mut(), tn.arange(3).mut()
    with pytest.raises(tn.DTypeError, match="TN802"):
        v.data = tn.zeros(3, dtype=tn.float64)
    with pytest.raises(tn.DTypeError, match="TN802"):
        whole += 0.5
    with pytest.raises(tn.ShapeError, match="TN802"):
        v += tn.ones(2, 3)
    assert (v.tolist(), whole.tolist()) == ([0.0] * 3, [0, 1, 2])


def test_a_gradient_keeps_its_shape_and_dtype() -> None:
    w = leaf(1.0, 2.0)
    with pytest.raises(tn.ShapeError, match="TN802"):
        w.grad = tn.ones(3)
    with pytest.raises(tn.DTypeError, match="TN802"):
        w.grad = tn.ones(2, dtype=tn.float64)
    assert w.grad is None


REFUSED: list[tuple[str, Callable[[Any], Any]]] = [
    ("x.at[i].set(v)", lambda x: x.__setitem__(0, 1.0)),
    ("x.mut()", lambda x: x.add_(1)),
    ("x.mut()", lambda x: x.zero_()),
    ("x.mut()", lambda x: x.fill_(1)),
    ("x.mut()", lambda x: x.copy_(tn.ones(2))),
    ("x.mut()", lambda x: x.clamp_(0)),
    ("x.mut()", lambda x: setattr(x, "data", tn.ones(2))),
    ("requires_grad=True", lambda x: x.requires_grad_()),
]


@pytest.mark.parametrize(("advice", "write"), REFUSED)
def test_a_value_is_not_written(advice: str, write: Callable[[Any], Any]) -> None:
    for x in (tn.tensor([1.0, 2.0]), leaf(1.0, 2.0).value, leaf(1.0, 2.0) * 1):
        with pytest.raises(tn.WriteError, match="TN594") as caught:
            write(x)
        assert advice in str(caught.value)
        assert x.tolist() == [1.0, 2.0]


def test_augmented_assignment_of_a_value_rebinds_the_name() -> None:
    x = y = tn.tensor([1.0, 2.0])
    x += 1
    x *= 2
    assert (x.tolist(), y.tolist()) == ([4.0, 6.0], [1.0, 2.0])
    assert type(x) is tn.Tensor


LEAF_WRITES: list[Callable[[Any], Any]] = [
    lambda w: w.__setitem__(0, 9.0),
    lambda w: w.__iadd__(1),
    lambda w: w.mul_(2),
    lambda w: w.copy_(tn.ones(2)),
    lambda w: w.zero_(),
    lambda w: w.fill_(2.0),
]


@pytest.mark.parametrize("write", LEAF_WRITES)
def test_a_leaf_is_written_only_where_nothing_is_recorded(write: Callable[[Any], Any]) -> None:
    w = leaf(1.0, 2.0)
    with pytest.raises(tn.WriteError, match="TN594"):
        write(w)
    assert w.tolist() == [1.0, 2.0]
    with tn.no_grad():
        write(w)
    assert w.tolist() != [1.0, 2.0]
    assert w.requires_grad and w.is_leaf
    (w * w).sum().backward()
    assert w.grad.tolist() == [2 * a for a in w.tolist()]


def test_at_gives_new_values() -> None:
    x = tn.tensor([1.0, 2.0, 3.0])
    y = x.at[1].set(9.0)
    z = x.at[1:].add(1.0).at[0].multiply(10.0)
    assert (x.tolist(), y.tolist(), z.tolist()) == ([1, 2, 3], [1, 9, 3], [10, 3, 4])
    assert x.at[:2].max(1.5).tolist() == [1.5, 2.0, 3.0]
    assert x.at[:2].min(1.5).tolist() == [1.0, 1.5, 3.0]


@pytest.mark.parametrize("read", [lambda v: +v, lambda v: v.contiguous(), lambda v: v.clip(), tn.clip])
def test_an_operation_that_changes_nothing_gives_a_value(read: Callable[[Any], Any]) -> None:
    v = tn.ones(2).mut()
    kept = read(v)
    v.fill_(5.0)
    assert type(kept) is tn.Tensor and kept.tolist() == [1.0, 1.0]


def test_iterating_a_place_iterates_a_snapshot() -> None:
    v = tn.zeros(3).mut()
    seen = []
    for k, element in enumerate(v):
        v[:] = 5.0
        seen.append(element.item() + k)
    assert (seen, v.tolist()) == ([0.0, 1.0, 2.0], [5.0] * 3)
    later = iter(v)
    v.zero_()
    assert [e.item() for e in later] == [5.0] * 3


def test_rows_are_swapped_without_a_temporary() -> None:
    v = tn.tensor([[1.0, 1.0], [2.0, 2.0]]).mut()
    v[0], v[1] = v[1], v[0]
    assert v.tolist() == [[2.0, 2.0], [1.0, 1.0]]
    v[:] = v.T
    assert v.tolist() == [[2.0, 1.0], [2.0, 1.0]]


def test_overlapping_update_reads_before_it_writes() -> None:
    v = tn.arange(6.0).mut()
    v[1:] += v[:-1]
    assert v.tolist() == [0.0, 1.0, 3.0, 5.0, 7.0, 9.0]


def test_two_places_of_one_value_are_two() -> None:
    x = tn.zeros(2)
    a, b = x.mut(), x.mut()
    c = tn.Var(a)
    a.fill_(1)
    b[0] = 2
    assert (x.tolist(), a.tolist(), b.tolist(), c.tolist()) == ([0, 0], [1, 1], [2, 0], [0, 0])


def test_places_written_from_each_other_do_not_share() -> None:
    a, b = tn.zeros(2).mut(), tn.ones(2).mut()
    a.data = b
    a[0] = 5
    b.copy_(a)
    b[1] = 7
    assert (a.tolist(), b.tolist()) == ([5.0, 1.0], [5.0, 7.0])


IDENTITIES: dict[str, Any] = {
    "to a dtype": lambda x: x.to(tn.float32),
    "to a device": lambda x: x.to("cpu"),
    "cpu": lambda x: x.cpu(),
    "float": lambda x: x.float(),
    "contiguous": lambda x: x.contiguous(),
    "clamp": lambda x: x.clamp(),
    "plus": lambda x: +x,
    "detach": lambda x: x.detach(),
    "clone": lambda x: x.clone(),
    "reshape": lambda x: x.reshape(2),
    "expand": lambda x: x.expand(2),
    "squeeze": lambda x: x.squeeze(),
    "slice": lambda x: x.value[:],
    "as_tensor": tn.as_tensor,
    "asarray": lambda x: tn.asarray(x, dtype=tn.float32),
    "identity": lambda x: tn.nn.Identity()(x),
    "dropout": lambda x: tn.nn.Dropout(0.5).eval()(x),
    "no dropout": lambda x: tn.nn.functional.dropout(x, 0.0),
}


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("kind", ["place", "leaf", "borrow"])
def test_what_changes_nothing_gives_a_value(name: str, kind: str) -> None:
    v = tn.tensor([1.0, 2.0], requires_grad=kind == "leaf")
    v = v if kind == "leaf" else tn.Var(v)
    x = v.data if kind == "borrow" else v
    y = IDENTITIES[name](x)
    assert type(y) is tn.Tensor
    y += 1  # another name's value, not a write of the place
    assert v.tolist() == [1.0, 2.0] and y.tolist() == [2.0, 3.0]


def test_set_writes_what_fits_and_shares_nothing() -> None:
    best, w = tn.zeros(2).mut(), tn.ones(2).mut()
    assert best.set_(w) is best
    w.mul_(5.0)
    assert best.tolist() == [1.0, 1.0]
    for bad in (tn.ones(3), tn.ones(2, dtype=tn.float64)):
        with pytest.raises((tn.ShapeError, tn.DTypeError), match="TN802"):
            best.set_(bad)


def test_running_means_by_hand() -> None:
    g, b1, b2 = tn.tensor([2.0, -1.0]), 0.5, 0.25
    m, v, p = tn.zeros(2).mut(), tn.zeros(2).mut(), tn.ones(2).mut()
    m.lerp_(g, 1 - b1)
    v.mul_(b2).addcmul_(g, g, value=1 - b2)
    p.addcdiv_(m, v.sqrt(), value=-0.5)
    assert (m.tolist(), v.tolist()) == ([1.0, -0.5], [3.0, 0.75])
    assert p.tolist() == pytest.approx([1 - 0.5 / 3**0.5, 1 + 0.25 / 0.75**0.5])
    x = tn.tensor([1.0, 2.0], requires_grad=True)
    tn.addcmul(x, x, x).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]
    assert tn.lerp(x, tn.zeros(2), 0.5).tolist() == [0.5, 1.0] and tn.addcdiv(x, x, x).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("name", ["data_ptr", "untyped_storage", "resize_", "share_memory_", "detach_"])
def test_what_shares_memory_elsewhere_says_what_to_write(name: str) -> None:
    for x in (tn.zeros(2), tn.zeros(2).mut(), tn.zeros(2).mut().data):
        with pytest.raises(AttributeError, match=f"no attribute '{name}': "):
            getattr(x, name)
