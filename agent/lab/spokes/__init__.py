"""Lab room: spokes by number."""
