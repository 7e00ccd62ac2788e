"""Lab room: what the lab file schedules: faults and traffic."""
