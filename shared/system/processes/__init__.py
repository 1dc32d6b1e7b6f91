"""Programs kept running, and the processes that keep them."""
