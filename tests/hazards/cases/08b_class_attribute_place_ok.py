# OK 08b class_attribute_place
# A place of each instance.

import tenure as tn


class Meter:
    def __init__(self):
        self.total = tn.zeros(()).mut()

    def update(self, x):
        self.total.add_(x)


a, b = Meter(), Meter()
a.update(5.0)
got = b.total.item()
want = 0.0
