"""Experiments that run the server's and the clients' own apps on one machine."""
