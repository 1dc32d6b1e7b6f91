"""Tests that need a GPU, and say why they were skipped without one."""

import pytest
import torch

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU by CUDA on this machine")
needs_no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a GPU by CUDA on this machine")
