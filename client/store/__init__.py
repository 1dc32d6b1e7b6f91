"""What a platform keeps: sealed records under wrapped keys, plain files in their place, heads in either."""
