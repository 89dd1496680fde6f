"""Platforms on this machine: each speaks its platform's protocol over a real socket."""
