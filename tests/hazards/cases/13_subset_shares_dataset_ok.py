# OK 13 subset_shares_dataset
# One dataset object per split.

from tenure.data import Dataset, Subset


class Numbers(Dataset):
    transform = staticmethod(lambda v: v)

    def __getitem__(self, i):
        return self.transform(i)


train, val = Subset(Numbers(), [0, 1]), Subset(Numbers(), [2, 3])
train.dataset.transform = lambda v: -100
got = val[0]
want = 2
