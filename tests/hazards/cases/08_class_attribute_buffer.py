# HAZARD 08 class_attribute_buffer
# A tensor on the class is shared by all instances; += makes one of the instance's own.
# outcome: impossible

import tenure as tn


class Meter:
    total = tn.zeros(())

    def update(self, x):
        self.total += x


a, b = Meter(), Meter()
a.update(5.0)
got = b.total.item()
want = 0.0
