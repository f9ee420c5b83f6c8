"""Backward after the run: once a step has been seen, later ones build nothing."""

from collections.abc import Callable

import pytest

import tenure as tn
from tenure.values.run import force


def descend(steps: int, between: Callable[[tn.Tensor], object]) -> list[float]:
    """Gradient descent by hand on a small function, with something done between loss and backward."""
    w = tn.tensor([2.0, 1.0], requires_grad=True)
    x = tn.tensor([0.5, -1.0])
    losses = []
    for _ in range(steps):
        h = (x * w).tanh() + w
        loss = (h * h).sum()
        between(loss)
        loss.backward()
        w.data -= 0.1 * w.grad
        w.grad = None
        losses.append(loss)
    return [loss.item() for loss in losses]


READS = {
    "nothing": lambda loss: None,
    "item": lambda loss: loss.item(),
    "print": lambda loss: repr(loss),
    "numpy": lambda loss: loss.detach().numpy(),
}


@pytest.mark.parametrize("read", READS)
def test_reading_the_loss_first_changes_no_number(read: str) -> None:
    assert descend(8, READS[read]) == descend(8, READS["nothing"])


@pytest.mark.parametrize("read", READS)
def test_a_step_that_reads_the_loss_first_comes_to_rest(read: str) -> None:
    descend(10, READS[read])
    descend(10, READS[read])  # begins after the end of another loop, which is a path of its own
    built = force.COUNTS["programs"]
    descend(10, READS[read])
    assert force.COUNTS["programs"] == built


def test_residuals_are_saved_from_the_second_time_on() -> None:
    def gradient() -> list[float]:
        w = tn.tensor([0.3, -0.7], requires_grad=True)
        y = (w.exp() * w.sin()).sum()
        y.item()
        y.backward()
        assert w.grad is not None
        return w.grad.tolist()

    first = gradient()
    assert first == gradient() == gradient()


@pytest.mark.parametrize("read", READS)
def test_losses_of_a_leaf_that_was_written_before_them_are_apart(read: str) -> None:
    w = tn.ones(2, requires_grad=True)
    w.data += 1
    losses = [(w * k).sum() for k in (2, 3, 4)]
    READS[read](losses[0])
    for loss in losses:
        loss.backward()
    assert w.grad.tolist() == [9.0, 9.0]
    shared = w * w
    first, second = shared.sum(), (shared * 3).sum()
    READS[read](first)
    first.backward()
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        second.backward()
