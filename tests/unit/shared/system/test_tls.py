"""A server's certificate and key, and what is neither."""

import pytest

from shared.errors import ConfigError
from shared.system.tls import tls_context


def test_says_in_a_sentence_what_is_no_certificate(tmp_path):
    (tmp_path / "a").write_text("no certificate")
    with pytest.raises(ConfigError, match="expected a certificate and its key"):
        tls_context(tmp_path / "a", tmp_path / "a")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        tls_context(tmp_path / "none", tmp_path / "a")
