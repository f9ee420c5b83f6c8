# HAZARD 13 subset_shares_dataset
# Two Subsets hold one dataset object; a transform set for training also hits validation.
# outcome: shared name

from tenure.data import Dataset, Subset


class Numbers(Dataset):
    transform = staticmethod(lambda v: v)

    def __getitem__(self, i):
        return self.transform(i)


data = Numbers()
train, val = Subset(data, [0, 1]), Subset(data, [2, 3])
train.dataset.transform = lambda v: -100  # culprit
got = val[0]
want = 2
