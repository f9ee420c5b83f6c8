# HAZARD 64 replay_buffer_of_observations
# An environment writes one observation buffer again and again; the replay buffer keeps values.
# outcome: impossible

import tenure as tn

obs = tn.zeros(1).mut()
replay = []
for k in range(3):
    obs[0] = float(k)
    replay.append(obs.value)
got = [x.item() for x in replay]
want = [0.0, 1.0, 2.0]
