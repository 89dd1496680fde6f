"""Timelines of Weibo accounts, read by snscrape."""
