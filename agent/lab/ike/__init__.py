"""Lab room: a router's IKE."""
