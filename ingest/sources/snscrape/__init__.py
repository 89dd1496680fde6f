"""Platforms that are read by snscrape's unmodified scrapers: Telegram channels and Weibo."""
