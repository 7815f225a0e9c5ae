"""An AMQP message whose properties are packed when it is made.

py-amqp packs properties while it writes the frames of a publish. A header without a form in AMQP then fails when half
of the publish is written, and nothing that follows on the connection can be read. No gevent, kombu or Celery in here:
the client and the command line import it too.
"""

import struct
from collections.abc import Mapping
from typing import Any

import amqp
from amqp.exceptions import AMQPError


class NotEncodable(Exception):
    """AMQP has no form for a header or property of the message; as it is, it can never be published."""


class PackedMessage(amqp.Message):
    """A message ready for `basic.publish`; `packed` are its properties as the content header frame carries them.

    Raises:
        NotEncodable: the text is py-amqp's.
    """

    def __init__(self, body: bytes, headers: Mapping[str, Any], **properties: Any) -> None:
        super().__init__(body, application_headers=dict(headers), **properties)
        try:
            self.packed: bytes = super()._serialize_properties()
        except (AMQPError, ValueError, TypeError, struct.error) as error:
            raise NotEncodable(str(error)) from error

    def _serialize_properties(self) -> bytes:
        return self.packed
