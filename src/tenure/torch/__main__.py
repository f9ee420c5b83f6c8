"""``python -m tenure.torch script.py``: a PyTorch program on Tenure."""

import sys

from tenure.torch.launch import main

sys.exit(main(sys.argv[1:]))
