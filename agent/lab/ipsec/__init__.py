"""Lab room: a router's IPsec."""
