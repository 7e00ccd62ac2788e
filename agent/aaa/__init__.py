"""Aaa room: who may log in: the users of a configuration, their passwords and their keys."""
