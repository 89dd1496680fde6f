"""Reddit: dumps of submissions and comments."""
