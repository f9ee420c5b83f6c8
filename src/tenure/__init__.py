"""Tenure: an autograd tensor library with PyTorch's ergonomics and Rust's ownership.

The public names are listed in `__init__.pyi`; each is imported when it is first used, so that
`import tenure` and the command line never load NumPy on their own.
"""

from tenure import _lazy

__version__ = "0.1.0"

__getattr__, __dir__ = _lazy.attach(globals())
