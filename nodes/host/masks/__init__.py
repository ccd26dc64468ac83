"""The host's folders of masks, and what the page asks of the server."""
