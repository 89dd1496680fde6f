"""TikTok: answers of its Research API."""
