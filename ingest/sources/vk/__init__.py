"""VK: posts as its API gives them."""
