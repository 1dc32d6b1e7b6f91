"""The interface that a platform serves to its callers: recommend.proto, and the code that is made of it."""
