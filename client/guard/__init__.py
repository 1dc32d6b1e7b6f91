"""What may leave a platform, what has left it, and who decides: the platform's operator."""
