"""A small text-to-image model of the host's own classes, so that every workflow runs with no
checkpoint."""
