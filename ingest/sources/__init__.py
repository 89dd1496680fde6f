"""Where posts come from: one module per platform or file format behind one protocol."""
