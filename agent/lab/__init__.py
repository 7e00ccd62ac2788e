"""Lab room: simulated routers on an in-memory wire, with a clock of their own."""
