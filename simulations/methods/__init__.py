"""What is done on one platform: baselines, stacks, the gate, clicks, cold start, and what each leaves."""
