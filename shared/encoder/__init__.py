"""The shared network, the only thing that travels: linear part and sequence part."""
