"""Flow room: the one place that keeps facts about tunnels."""
