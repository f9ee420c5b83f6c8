"""``torch.version``."""

__version__ = "2.13.0"
git_version = "tenure"
cuda = hip = xpu = rocm = None
debug = False
