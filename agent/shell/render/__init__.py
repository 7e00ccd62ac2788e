"""Shell room: what `show` commands print: pure functions from facts to lines, one file for each area."""
