"""``torch.storage``: another place of the classes of storages."""

from tenure.torch.storages import TypedStorage as TypedStorage
from tenure.torch.storages import UntypedStorage as UntypedStorage
