"""Management of the outbox from `manage.py`."""
