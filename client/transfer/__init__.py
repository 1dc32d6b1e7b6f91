"""The transfer methods: what a platform does with a received encoder."""
