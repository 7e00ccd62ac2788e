"""Flow room: the one place where tunnel facts live."""
