"""From a request to concept profiles, with the host's own sampling."""
