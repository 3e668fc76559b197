"""The `rodizio` command line."""
