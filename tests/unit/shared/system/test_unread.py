"""What lay unread counts from when it came; who cannot know says nothing of it."""

import socket
import time

from shared.system.unread import seconds_unread


class Transport:
    def __init__(self, connection):
        self._connection = connection

    def get_extra_info(self, name):
        return self._connection if name == "socket" else None


def test_counts_from_when_the_bytes_came_and_not_from_when_the_connection_was_taken():
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as one:
        one.send(b"x")
        time.sleep(0.3)
        taken, _ = listening.accept()
        with taken:
            assert seconds_unread(Transport(taken)) >= 0.25
            one.send(b"y")
            time.sleep(0.05)
            assert seconds_unread(Transport(taken)) < 0.25


def test_says_nothing_where_there_is_no_such_connection():
    one, other = socket.socketpair()
    with one, other:
        assert seconds_unread(Transport(one)) == 0.0
    assert seconds_unread(Transport(None)) == 0.0
