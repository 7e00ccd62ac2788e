"""Engine room: the port between the views and any engine that makes tunnels: the requests, and their values."""
