"""Lab room: how a failure is named, counted once and logged."""
