"""What holds for every test."""

import torch

# parallel test workers share the cores; more threads than that only wait for each other
torch.set_num_threads(1)
