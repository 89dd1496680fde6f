"""Protection of authors: pseudonyms, masked texts and addresses, the keyring."""
