"""Helpers that several subcommands use; each subcommand is a file of its own beside this folder."""
