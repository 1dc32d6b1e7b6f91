"""The coordinator's dashboard: one page that reads the folder alone, while a coordinator runs and after it ended."""
