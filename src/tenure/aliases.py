"""PyTorch's names for dtypes, shapes and promotion, in a module of their own: some are names of builtins."""

from tenure.dtypes import DType as dtype
from tenure.dtypes import bool_ as bool
from tenure.dtypes import complex64 as cfloat
from tenure.dtypes import complex128 as cdouble
from tenure.dtypes import float16 as half
from tenure.dtypes import float32 as float
from tenure.dtypes import float64 as double
from tenure.dtypes import int16 as short
from tenure.dtypes import int32 as int
from tenure.dtypes import int64 as long
from tenure.dtypes import promote as promote_types

__all__ = [
    "Size", "bool", "cdouble", "cfloat", "double", "dtype", "float", "half", "int", "long", "promote_types", "short",
]  # fmt: skip

Size: type = tuple
