"""``torch.fft``: the table's rows of Fourier transforms."""

from tenure.torch.names.namespace import attach

__getattr__, __dir__ = attach("fft", globals())
