"""Engine room: the port: what one may ask of any engine that makes tunnels, and the frozen values it speaks in."""
