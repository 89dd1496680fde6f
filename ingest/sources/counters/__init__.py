"""Readings of public counters (likes, followers): what all platforms share, and files."""
