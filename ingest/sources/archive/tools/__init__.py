"""Export formats of tools that belong to no platform."""
