"""Commands that `manage.py` has with the outbox."""
