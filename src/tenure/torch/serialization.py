"""``torch.serialization``: saving and loading."""

from tenure.torch.saving import (
    DEFAULT_PROTOCOL,
    MAP_LOCATION,
    SourceChangeWarning,
    add_safe_globals,
    clear_safe_globals,
    default_restore_location,
    get_safe_globals,
    load,
    safe_globals,
    save,
)

__all__ = [
    "DEFAULT_PROTOCOL", "MAP_LOCATION", "SourceChangeWarning", "add_safe_globals", "clear_safe_globals",
    "default_restore_location", "get_safe_globals", "load", "safe_globals", "save",
]  # fmt: skip
