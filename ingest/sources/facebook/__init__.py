"""Facebook (and Instagram): exports, counters of pages, addresses of posts."""
