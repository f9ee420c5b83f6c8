# HAZARD 10 dataset_item_normalized
# A dataset keeps its samples; a transform that writes its argument changes them for the next epoch.
# outcome: TN594

import tenure as tn
from tenure.data import Dataset


class Samples(Dataset):
    def __init__(self):
        self.items = [tn.tensor([4.0])]

    def __getitem__(self, i):
        return self.items[i]


data = Samples()
for _ in range(2):
    data[0].div_(2.0)  # culprit
got = data[0].item()
want = 4.0
