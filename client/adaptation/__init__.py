"""Adaptation: drift noticed, a refitted head tried beside the served one, what users make of lists."""
