"""What both sides know of differential privacy: how much noise a promise asks for, and what several releases keep."""
