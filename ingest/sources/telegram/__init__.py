"""Public channels of Telegram: the web preview (read by snscrape), exports, counters."""
