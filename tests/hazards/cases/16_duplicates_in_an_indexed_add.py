# HAZARD 16 duplicates_in_an_indexed_add
# a[idx] += 1 counts a duplicate once; .at[idx].add counts them all, and says so.
# outcome: impossible

import tenure as tn

counts = tn.zeros(3)
counts = counts.at[tn.tensor([0, 0, 2])].add(1.0)
got = counts.tolist()
want = [2.0, 0.0, 1.0]
