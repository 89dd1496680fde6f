"""Records that could not be used: kept with their reason, searched, listed, retried."""
