"""From a raw item of any source to a post: fields, ids, dates, reasons of rejects."""
