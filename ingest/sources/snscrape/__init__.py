"""What is shared by the platforms that snscrape's unmodified scrapers read, and its exports."""
