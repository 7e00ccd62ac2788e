"""Lab room: the lab file, read and checked."""
