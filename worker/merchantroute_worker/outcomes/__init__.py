"""Writes how orders end: the completion record first, then the ack, batched for each turn of gevent's hub."""
