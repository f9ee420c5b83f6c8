"""All checks of one job."""

from tests.distributed.jobs import main
from tests.distributed.programs import checkpoints, collectives, parallels, windows

PARTS = (checkpoints, collectives, parallels, windows)

if __name__ == "__main__":
    main()
