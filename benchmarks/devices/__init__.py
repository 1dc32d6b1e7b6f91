"""Device simulation side by side: the same rounds of many devices on ours and on other engines."""
