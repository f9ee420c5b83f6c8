"""The laws of Tenure: one table, read by the run time, by the checker and by `tenure rule`.

Codes below TN800 carry the number of the Rust error that states the same law.
"""

from dataclasses import dataclass

__all__ = ["LAWS", "Law"]


@dataclass(frozen=True, slots=True)
class Law:
    """One law: its code, its name, Rust's code for it, what it says, and what to write instead."""

    code: str
    name: str
    rust: str | None
    sentence: str
    advice: str


_TABLE = (
    Law(
        "TN382",
        "use-after-move",
        "E0382",
        "a moved value is not used again, and a graph consumed by `backward()` is not differentiated again",
        "use the value before it is moved, or move a copy made by `.clone()`; to differentiate a graph twice"
        " pass `retain_graph=True` to the first `backward()`, and cut a loop-carried value with `.detach()`",
    ),
    Law(
        "TN499",
        "second-exclusive-borrow",
        "E0499",
        "a place has at most one exclusive borrow at a time",
        "end the first `with place.borrow_mut()` block before the second begins, or pass its borrow on",
    ),
    Law(
        "TN502",
        "exclusive-borrow-while-shared",
        "E0502",
        "a place is not borrowed exclusively while it is lent as shared",
        "leave the `with place.borrow()` block first, or keep the value read from it instead of the loan",
    ),
    Law(
        "TN503",
        "use-while-exclusively-borrowed",
        "E0503",
        "a place is not used, by any name or thread, while it is exclusively borrowed",
        "read and write through the borrow inside its `with` block, or end the block first",
    ),
    Law(
        "TN506",
        "write-while-lent",
        "E0506",
        "a place is not written while it is lent as shared",
        "write after the `with place.borrow()` block ends",
    ),
    Law(
        "TN594",
        "write-to-a-value",
        "E0594",
        "a value, or what was lent as shared, is never written",
        "make a new value with `x.at[i].set(v)`, or make a place with `x.mut()` and write that; a leaf that"
        " requires grad is updated under `no_grad()` or through `.data`",
    ),
    Law(
        "TN597",
        "write-through-a-stale-borrow",
        "E0597",
        "a borrow is not written through after somebody else wrote or moved its place",
        "borrow again after the other write; the stale borrow can still be read as the snapshot it is",
    ),
    Law(
        "TN801",
        "index-out-of-range",
        None,
        "an index lies within its axis",
        "index between -size and size - 1; to let indices fall outside on purpose, clip or mask them first",
    ),
    Law(
        "TN802",
        "shape-or-dtype-mismatch",
        None,
        "shapes and dtypes agree, and the shape and dtype of a place never change",
        "reshape, broadcast or cast explicitly; to change a place's shape or dtype, make a new place",
    ),
    Law(
        "TN803",
        "duplicate-write-policy",
        None,
        "duplicates in an indexed write follow the stated policy: the last in C order wins for `=`, all count"
        " for `.at[].add`, and the gradient matches",
        "use `x.at[i].add(v)` where every duplicate should count",
    ),
    Law(
        "TN804",
        "gradient-of-nothing",
        None,
        "a gradient is taken only of what was recorded as differentiable, and from a scalar unless its"
        " cotangent is given",
        "make a leaf with `requires_grad=True` before computing, outside `no_grad()`; reduce the result to a"
        " scalar, or pass `backward(gradient=...)`",
    ),
    Law(
        "TN805",
        "file-is-not-what-it-says",
        None,
        "a file is read only as far as it is whole and holds what it says: tensors and plain data, never code",
        "write the file anew, or get it again; of a module or an optimizer save `state_dict()`",
    ),
)

LAWS: dict[str, Law] = {law.code: law for law in _TABLE}
"""Every law by its code, in the order of the codes."""
