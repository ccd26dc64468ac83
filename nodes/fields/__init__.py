"""Fields that several dialogs have."""
