"""What runs on a platform and touches its users, items, events and head."""
