"""Whether transfer is served, and whether it will pay: verdict, transferability score, what known pairs found."""
