"""Lab room: the network: wires, interfaces, routes, hosts and real sockets."""
