"""What is inferred from counts: shares corrected for the model's errors, strata, change points.

Pure functions on arrays and small records; nothing here reads a store.
"""
