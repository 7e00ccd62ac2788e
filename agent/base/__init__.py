"""Base room: what every room may use and none owns. It imports no other room."""
