# OK 10 dataset_item_normalized
# The transform gives a new value.

import tenure as tn
from tenure.data import Dataset


class Samples(Dataset):
    def __init__(self):
        self.items = [tn.tensor([4.0])]

    def __getitem__(self, i):
        return self.items[i] / 2.0


data = Samples()
got = [data[0].item() for _ in range(2)]
want = [2.0, 2.0]
