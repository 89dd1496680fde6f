"""How the shipped weights were made: one module per resumable step, run by ``-m nlp.training``."""
