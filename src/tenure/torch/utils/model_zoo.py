"""``torch.utils.model_zoo``: ``torch.hub.load_state_dict_from_url``."""

from typing import Any

from tenure.torch import hub
from tenure.torch.hub import load_state_dict_from_url

load_url = load_state_dict_from_url
__all__ = ["load_state_dict_from_url", "load_url"]


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(f"module 'torch.utils.model_zoo' has no attribute {name!r}", name=name)
    return hub.tqdm
