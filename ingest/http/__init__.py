"""The client that sources ask platforms with: limits, deadlines, errors, WebSockets."""
