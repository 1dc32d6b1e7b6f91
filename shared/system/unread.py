"""How long a request's bytes lay in the kernel until a busy server came to read them.

Its caller's time has run since then, and nothing above the kernel knows of it.
"""

import socket
import struct
from typing import Any

_LAST_DATA_RECV = 52
"""where Linux' ``struct tcp_info`` (linux/tcp.h) has the milliseconds since data last came, 32 bits"""


def seconds_unread(transport: Any) -> float:
    """Since the newest bytes of an asyncio transport came, at the moment that they are read; 0 where nobody knows."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return 0.0
    try:
        tcp_info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECV + 4)
        return float(struct.unpack_from("I", tcp_info, _LAST_DATA_RECV)[0]) / 1000
    except (OSError, struct.error):
        return 0.0
