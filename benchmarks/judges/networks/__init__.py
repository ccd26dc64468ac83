"""Networks that only judges need, with their weights beside them."""
