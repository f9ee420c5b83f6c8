# HAZARD 28 sliding_windows_written
# Windows that overlap, written one after the other.
# outcome: TN594

import tenure as tn

x = tn.arange(4.0)
windows = [x[k : k + 2] for k in range(3)]
for w in windows:
    w.mul_(10.0)  # culprit
got = x.tolist()
want = [0.0, 1.0, 2.0, 3.0]
