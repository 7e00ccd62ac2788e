"""Lab room: what a router's configuration decides for IKE and IPsec."""
