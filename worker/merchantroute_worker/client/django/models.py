"""The table of orders that are not published yet."""

from django.db import models

from merchantroute_worker.client.message import LONGEST_NAME


class OutboxOrder(models.Model):
    """One order on its way to the broker; the row is removed when the broker has confirmed it.

    `published_at` and `due_at` are milliseconds since the epoch; `attempts` are publishes without a confirm, `problem`
    is what the last of them met.
    """

    order_id = models.CharField(max_length=LONGEST_NAME)
    merchant = models.CharField(max_length=LONGEST_NAME)
    published_at = models.BigIntegerField()
    body = models.TextField()
    headers = models.TextField()
    attempts = models.IntegerField(default=0)
    problem = models.TextField(default="", blank=True)
    due_at = models.BigIntegerField()

    class Meta:
        """The table's name is that of the app and the model."""

        ordering = ("id",)
        verbose_name = "order in the outbox"
        verbose_name_plural = "orders in the outbox"

    def __str__(self) -> str:
        return f"{self.order_id} of {self.merchant}"
