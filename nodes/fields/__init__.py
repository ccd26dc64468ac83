"""Fields that several dialogs share."""
