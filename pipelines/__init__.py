"""Posts flow, rest and are read: stages, runners, stores, search, trends, export, commands."""
