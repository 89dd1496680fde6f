"""Who may do what on the page: accounts, sessions, tokens against forged forms, limits, headers."""
