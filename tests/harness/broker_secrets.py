"""Secrets of brokers, and how operator and workers must both read them: each parses them by code of its own."""

from dataclasses import dataclass

LOGIN = {"username": "u", "password": "p"}
HERE = {"host": "rabbit", "port": "5672", **LOGIN}


@dataclass(frozen=True)
class Read:
    """What both must find."""

    host: str = "rabbit"
    port: int = 5672
    vhost: str = "/"
    tls: bool = False


# A name, the Secret's keys, what they say.
READ: dict[str, tuple[dict[str, str], Read]] = {
    "plain": (HERE, Read()),
    "a CA": ({**HERE, "ca.crt": "PEM"}, Read(tls=True)),
    "an empty CA, as cert-manager writes for a public issuer": ({**HERE, "ca.crt": ""}, Read()),
    "a client certificate": ({**HERE, "tls.crt": "PEM", "tls.key": "PEM"}, Read(tls=True)),
    "TLS by its port": ({**HERE, "port": "5671"}, Read(port=5671, tls=True)),
    "TLS by its port, written oddly": ({**HERE, "port": "05671"}, Read(port=5671, tls=True)),
    "no TLS at TLS's port": ({**HERE, "port": "5671", "tls": "false"}, Read(port=5671)),
    "TLS at a port of its own": ({**HERE, "port": "5999", "tls": "true\n"}, Read(port=5999, tls=True)),
    "a connection string alone": (
        {"connection_string": "amqps://u:p@rabbit.example/pos%2Feu"},
        Read("rabbit.example", 5671, "pos/eu", tls=True),
    ),
    "a plain connection string alone": ({"connection_string": "amqp://u:p@rabbit"}, Read()),
    "as the Cluster Operator writes it": (
        {
            **HERE,
            "host": "rabbit.orders.svc",
            "port": "5671",
            "connection_string": "amqps://u:p@rabbit.orders.svc:5671/",
            "default_user.conf": "default_user = u\n",
            "provider": "rabbitmq",
            "type": "rabbitmq",
        },
        Read("rabbit.orders.svc", 5671, tls=True),
    ),
    "keys before a connection string": (
        {**HERE, "vhost": "pos", "connection_string": "amqps://x:y@elsewhere:1234/other"},
        Read(vhost="pos", tls=True),
    ),
    "a connection string of something else": ({**HERE, "connection_string": "https://[rabbit"}, Read()),
}

BY_CERTIFICATE = {"host": "rabbit", "port": "5671", "tls.crt": "PEM", "tls.key": "PEM"}

# A name, the Secret's keys, the key that both must name.
REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "tls is no truth value": ({**HERE, "tls": "yes"}, "tls"),
    "a certificate without its key": ({**HERE, "tls.crt": "PEM"}, "tls.key"),
    "a key without its certificate": ({**HERE, "tls.key": "PEM"}, "tls.crt"),
    "a connection string without a user": ({"connection_string": "amqps://rabbit"}, "username"),
    "no TLS with a CA": ({**HERE, "tls": "false", "ca.crt": "PEM"}, "tls"),
    "nothing": ({}, "host"),
    "a user without a password beside a certificate": ({**BY_CERTIFICATE, "username": "u"}, "password"),
    "a password without a user beside a certificate": ({**BY_CERTIFICATE, "password": "p"}, "username"),
}
