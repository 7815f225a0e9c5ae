"""The pods of the blog post that the project starts from: plain Celery with requests, before and after gevent."""
