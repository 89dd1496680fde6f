"""Public channels of Telegram: the web preview, exports, counters."""
