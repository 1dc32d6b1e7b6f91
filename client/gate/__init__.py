"""Whether transfer is served, and whether it will pay: the verdict, relatedness, what known pairs found."""
