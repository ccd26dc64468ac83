"""Networks that name what a picture shows, trained on renders alone."""
