"""Axes, element types and layouts of arrays, and when a possible view is one."""

from tenure.check import ops
from tenure.check.analysis.kinds import TO_A_NUMBER
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import size_of
from tenure.check.effects import tables
from tenure.check.effects.effect import TENSORS
from tenure.check.values import Obj, spread

__all__ = ["certainly", "drawn", "shaped"]

_REDUCTIONS = frozenset(
    ("sum", "prod", "mean", "std", "var", "max", "min", "amax", "amin", "all", "any", "argmax", "argmin", "ptp",
     "nansum", "nanmean", "nanmax", "nanmin", "median", "percentile", "quantile", "average", "trace", "vdot", "inner",
     "count_nonzero", "norm", "det", "cond", "matrix_rank")
)  # fmt: skip
"""Functions that return a number without an axis."""

_BY_SHAPE = frozenset(("zeros", "ones", "empty", "full"))

_BY_COUNT = frozenset(("rand", "randn"))

_LINES = frozenset(("arange", "linspace", "logspace", "hanning", "hamming"))

_STRUCTURAL = frozenset(
    ("concatenate", "stack", "hstack", "vstack", "dstack", "column_stack", "zeros", "ones", "empty", "arange", "where",
     "linspace", "zeros_like", "ones_like", "empty_like", "full_like", "copy", "asarray", "asanyarray", "eye",
     "repeat", "tile", "sort", "argsort", "cumsum", "diff", "unique", "dot", "matmul", "outer", "random")
)  # fmt: skip

_CASTS = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16"}
_CASTS |= {"char": "int8", "byte": "uint8"}

_CONVERSIONS = ("asarray", "as_tensor", "asanyarray", "ascontiguousarray", "array", "to", "astype", "type")


def shaped(m: Machine, obj: Obj, name: str, bound: dict[str, int]) -> Obj:
    if obj.kind not in TENSORS:
        return obj
    if obj.kind == "ndarray" and name in TO_A_NUMBER and not bound.keys() & {"1", "axis", "out", "keepdims"}:
        obj.kind = "scalar"
        return obj
    first = m.get(bound.get("0"))
    given = first[0].obj if len(first) == 1 else None
    obj.dtype = _dtype(m, bound) or obj.dtype
    if obj.kind == "ndarray" and not _surely_array(m, name, bound, given):
        obj.kind = "unknown" if name not in _REDUCTIONS else "scalar"
        return obj
    if name in _BY_SHAPE and given is not None:
        positional = sum(key.isdigit() for key in bound)
        if given.kind in ("tuple", "list") and given.text == "display":
            fields = [name for name, _ in m.state.fields(given)]
            obj.ndim = len(fields) if "*" not in fields else None
        elif isinstance(given.const, int) or given.kind == "scalar":
            obj.ndim = positional if obj.kind == "tensor" and name != "full" else 1
    elif name in _BY_COUNT:
        obj.ndim = sum(key.isdigit() for key in bound)
    elif name in _LINES:
        obj.ndim = 1
    elif name in ("eye", "identity"):
        obj.ndim = 2
    elif name.endswith("_like") or name in ("copy", "clone"):
        obj.ndim, obj.dtype = (given.ndim, obj.dtype or given.dtype) if given is not None else (None, None)
    elif name in ("array", "tensor", "asarray") and given is not None:
        obj.ndim = given.ndim if given.kind in TENSORS else _depth(m, given)
        if obj.dtype is None and _holds_floats(m, given):
            obj.dtype = "float64" if obj.kind == "ndarray" else "float32"
    elif name.startswith("__"):
        axes = [value[0].obj.ndim or 0 for key in bound if (value := m.get(bound[key]))]
        obj.ndim = max(axes, default=0) or None
    if obj.ndim == 1 and name in ("arange", *_BY_SHAPE, "array", "tensor") and given is not None:
        obj.length = _length(m, _size(m, given) if name in _BY_SHAPE else given, bound)
    if obj.dtype is None and name in (*_BY_SHAPE, *_BY_COUNT):
        obj.dtype = "float64" if obj.kind == "ndarray" else "float32"
    return obj


def drawn(m: Machine, parameters: tuple[str, ...], bound: dict[str, int], name: str) -> str:
    """The kind of what a generator draws: one number, unless a size or an array of parameters says more."""
    receiver = {"0"} if m.is_method else set()
    given = {key: register for key, register in bound.items() if key not in receiver}
    size = m.get(given.pop(str(parameters.index("size")), None)) if "size" in parameters else ()
    sized = any(ref.obj.const is not None for ref in size)
    if "size" not in parameters:
        sized = bool(given)
    if sized:
        return "ndarray"
    kinds = {ref.obj.kind for register in given.values() for ref in m.get(register)}
    if name == "choice":
        return "unknown"
    if kinds & (TENSORS | {"list", "tuple"}):
        return "ndarray"
    return "scalar" if kinds <= {"scalar"} and all(m.get(register) for register in given.values()) else "unknown"


def _surely_array(m: Machine, name: str, bound: dict[str, int], given: Obj | None) -> bool:
    """Whether a function of NumPy returns an array: for numbers most of them return a number."""
    if "object" in _names_of(m, bound) or (name == "dot" and "out" not in bound and not _has_axes(m, bound)):
        return False
    if name in _REDUCTIONS:
        return "axis" in bound or "keepdims" in bound or "out" in bound or (not m.is_method and "1" in bound)
    if m.is_method or name.startswith("__"):
        return True
    effect = tables.function(f"numpy.{name}")
    if effect is None or not effect.parameters or name in ("array", "asarray", "full"):
        return True
    arrays = (*TENSORS, "list", "tuple", "unknown") if name in _STRUCTURAL else (*TENSORS, "list", "tuple")
    return any(ref.obj.kind in arrays for register in bound.values() for ref in m.get(register))


def _has_axes(m: Machine, bound: dict[str, int]) -> bool:
    """Whether an operand is known to have two axes or more: of vectors `dot` makes a number."""
    for key in ("0", "1", "a", "b"):
        for ref in m.get(bound.get(key)):
            if (ref.obj.ndim or 0) > 1 or (ref.obj.region and ref.obj.region[0][0] == "op"):
                return True
    return False


def _names_of(m: Machine, bound: dict[str, int]) -> set[str]:
    value = m.get(bound.get("dtype"))
    return {str(ref.obj.target).rpartition(".")[2] for ref in value if isinstance(ref.obj.target, str)}


def _size(m: Machine, shape: Obj) -> Obj | None:
    """The length of the one axis of a shape, given as a number or in a list; None if it is one of several."""
    if shape.kind not in ("list", "tuple"):
        return shape
    sizes = m.items(shape)
    return sizes[0].obj if len(sizes) == 1 else None


def _length(m: Machine, given: Obj | None, bound: dict[str, int]) -> int | None:
    """The length of a new array of one axis, where it is written in the program."""
    if given is None:
        return None
    if given.kind in ("list", "tuple"):
        return size_of(m, given)
    number = given.const
    if "1" in bound or not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return int(-(-number // 1))


def _dtype(m: Machine, bound: dict[str, int]) -> str | None:
    for key in ("dtype", "1", "2"):
        value = m.get(bound.get(key))
        if len(value) == 1 and isinstance(value[0].obj.target, str) and value[0].obj.kind == "module-name":
            name = value[0].obj.target.rpartition(".")[2]
            if value[0].obj.target == "builtins.float":
                return "float64"
            if name.rstrip("0123456789") in ("float", "int", "uint", "bfloat", "complex") and name[-1].isdigit():
                return name
            if value[0].obj.target.startswith("torch."):
                return _CASTS.get(name)
    return None


def _depth(m: Machine, obj: Obj, limit: int = 6) -> int | None:
    if limit == 0 or obj.kind not in ("list", "tuple"):
        return 0 if obj.kind == "scalar" else None
    items = m.items(obj)
    if not items:
        return None
    inner = _depth(m, items[0].obj, limit - 1)
    return None if inner is None else inner + 1


def _holds_floats(m: Machine, obj: Obj, limit: int = 6) -> bool:
    if isinstance(obj.const, float):
        return True
    if limit == 0 or obj.kind not in ("list", "tuple"):
        return False
    return any(_holds_floats(m, ref.obj, limit - 1) for ref in m.items(obj))


def certainly(m: Machine, obj: Obj, name: str) -> str:
    """Whether a possible view is one: "view", "copy" or "maybe"."""
    own = obj.node is not None and obj.base is None
    if name in ("reshape", "ravel", "flatten", "contiguous", "ascontiguousarray"):
        if (obj.strided and name != "contiguous") or spread(obj):
            return "copy"
        if name == "flatten" and obj.kind == "ndarray":
            return "copy"
        return "view" if (own and not obj.strided) or (name in ("reshape", "ravel") and obj.ndim == 1) else "maybe"
    if name in (*_CONVERSIONS, *_CASTS):
        wanted = _CASTS.get(name) if name in _CASTS else _dtype(m, _bound_now(m))
        given = _gives_dtype(m)
        if name in _CASTS or given:
            if wanted is None or obj.dtype is None:
                return "maybe"
            return "view" if wanted == obj.dtype else "copy"
        return "view" if name in ("asarray", "asanyarray", "as_tensor", "array") else "maybe"
    if name == "cpu":
        return "view" if own else "maybe"
    if name in ("conj", "positive", "real", "atleast_1d", "atleast_2d"):
        return "maybe"
    return "maybe"


def _bound_now(m: Machine, ) -> dict[str, int]:
    if not isinstance(m.op, ops.Call):
        return {}
    shift = 1 if m.is_method else 0
    out = {str(at + shift): register for at, (register, _) in enumerate(m.op.args)}
    return out | {name: register for name, register in m.op.keywords if name}


def _gives_dtype(m: Machine, ) -> bool:
    bound = _bound_now(m)
    return "dtype" in bound or len([key for key in bound if key.isdigit() and key != "0"]) > 0
