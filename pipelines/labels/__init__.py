"""Labels of a study: sheets for people, what they say, and how far they agree."""
