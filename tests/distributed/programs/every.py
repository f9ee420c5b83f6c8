"""All checks of one job."""

from tests.distributed.jobs import main
from tests.distributed.programs import collectives, parallels

PARTS = (collectives, parallels)

if __name__ == "__main__":
    main()
