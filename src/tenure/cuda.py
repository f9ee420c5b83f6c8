"""``tn.cuda``: PyTorch's questions about accelerators, of which there is none: the device is the CPU."""

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """False: programs that ask take the CPU.

    >>> tn.device("cuda" if tn.cuda.is_available() else "cpu").type
    'cpu'
    """
    return False


def device_count() -> int:
    """The number of accelerators, 0.

    >>> tn.cuda.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there are no generators of accelerators. ``tn.manual_seed`` is that of the CPU.

    >>> tn.cuda.manual_seed(0)
    """


def manual_seed_all(seed: int) -> None:
    """Nothing, as ``manual_seed``.

    >>> tn.cuda.manual_seed_all(0)
    """


def synchronize(device: object = None) -> None:
    """Nothing: what is read has been computed.

    >>> tn.cuda.synchronize()
    """


def empty_cache() -> None:
    """Nothing: there is no memory of accelerators.

    >>> tn.cuda.empty_cache()
    """
