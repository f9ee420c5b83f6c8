"""Constants of the Python array API standard."""

import math

__all__ = ["e", "inf", "nan", "newaxis", "pi"]

e, pi, inf, nan = math.e, math.pi, math.inf, math.nan
newaxis = None
"""A new axis of size 1, as an entry of an index."""
