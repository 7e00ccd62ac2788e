"""Lab room: what packets cross: wires, interfaces, routes, hosts and real sockets."""
