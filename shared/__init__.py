"""What server and client must agree on: encoder, wire, feature-space identity, errors."""
