"""Functions whose meaning in PyTorch is not the home library's: values in, values out."""

from tenure.torch.names.forms.arithmetic import *  # noqa: F403
from tenure.torch.names.forms.joining import *  # noqa: F403
from tenure.torch.names.forms.masked import *  # noqa: F403
from tenure.torch.names.forms.matrices import *  # noqa: F403
from tenure.torch.names.forms.native import *  # noqa: F403
from tenure.torch.names.forms.pooling import *  # noqa: F403
from tenure.torch.names.forms.reading import *  # noqa: F403
from tenure.torch.names.forms.reducing import *  # noqa: F403
from tenure.torch.names.forms.sources import *  # noqa: F403
