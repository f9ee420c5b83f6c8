# HAZARD 22 output_overlaps_input
# A cumulative sum written to where its input lies reads half new, half old.
# outcome: impossible

import tenure as tn

x = tn.ones(6).mut()
for shift in (1, 2, 4):
    x[shift:] += x[:-shift]
got = x.tolist()
want = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
