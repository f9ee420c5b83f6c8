# HAZARD 08b class_attribute_place
# A place on the class is written by every instance.
# outcome: shared name

import tenure as tn


class Meter:
    total = tn.zeros(()).mut()

    def update(self, x):
        self.total.add_(x)  # culprit


a, b = Meter(), Meter()
a.update(5.0)
got = b.total.item()
want = 0.0
