# HAZARD 64b replay_buffer_of_one_place
# The buffer keeps the place itself, three times.
# outcome: shared name

import tenure as tn

obs = tn.zeros(1).mut()
replay = []
for k in range(3):
    obs[0] = float(k)
    replay.append(obs)  # culprit
got = [x.item() for x in replay]
want = [0.0, 1.0, 2.0]
