"""A team's own Celery app: it knows nothing of MerchantRoute."""
