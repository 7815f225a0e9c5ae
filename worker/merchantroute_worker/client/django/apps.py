"""The Django app: add "merchantroute_worker.client.django" to INSTALLED_APPS, and migrate."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The app of the outbox."""

    name = "merchantroute_worker.client.django"
    label = "merchantroute_outbox"
    verbose_name = "MerchantRoute outbox"
    default_auto_field = "django.db.models.BigAutoField"
