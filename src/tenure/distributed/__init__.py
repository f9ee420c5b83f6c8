"""Several processes and machines on MPI: collectives, and training that gives the same bits at any number of ranks.

``mpirun -n 4 python train.py``, or ``tenure launch -n 4 train.py``. A program that neither has started is a job of one
rank, and needs no MPI. docs/distributed.md has the tour.
"""

from tenure.distributed.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from tenure.distributed.collectives import (
    all_gather,
    all_gather_object,
    all_reduce,
    all_to_all,
    barrier,
    broadcast,
    broadcast_object,
    reduce_scatter,
)
from tenure.distributed.elastic import elastic
from tenure.distributed.letters import recv, send
from tenure.distributed.loader import Loader, ShardSampler
from tenure.distributed.parallel import Parallel, parallel
from tenure.distributed.progress import Progress
from tenure.distributed.shards import Shards, shard
from tenure.distributed.windows import shared
from tenure.distributed.world import RankGroup, init, is_initialized, local_rank, new_group, rank, size, world
from tenure.distributed.zero import shard_optimizer

__all__ = [
    "Loader",
    "Parallel",
    "Progress",
    "RankGroup",
    "ShardSampler",
    "Shards",
    "all_gather",
    "all_gather_object",
    "all_reduce",
    "all_to_all",
    "barrier",
    "broadcast",
    "broadcast_object",
    "elastic",
    "has_checkpoint",
    "init",
    "is_initialized",
    "load_checkpoint",
    "local_rank",
    "new_group",
    "parallel",
    "rank",
    "recv",
    "reduce_scatter",
    "save_checkpoint",
    "send",
    "shard",
    "shard_optimizer",
    "shared",
    "size",
    "world",
]
