"""The older place of ``tenure.func.functional_call``."""

from tenure.func import functional_call

__all__ = ["functional_call"]
