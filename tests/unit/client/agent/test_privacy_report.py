import pytest

from client.agent.privacy_report import PrivacyReport
from client.guard.site_policy import SitePolicy
from client.privacy.account import Account


def said(privacy, able=48_000):
    policy = SitePolicy(privacy=privacy)
    return PrivacyReport(policy=policy, account=Account(), users=able, able=able, space="precomputed").text()


def test_says_that_a_private_run_has_no_training_rounds():
    (line,) = [line for line in said("private") if line.startswith("training rounds")]
    assert line.startswith("training rounds: none in a private run; with 39,000 users")


def test_says_nothing_of_training_rounds_where_noise_is_not_asked_for():
    assert not [line for line in said("plain") if "training rounds" in line]


@pytest.mark.parametrize(
    ("able", "expected"), [(48_000, "it would cost each of them ε 8"), (10, "nothing would leave")]
)
def test_says_what_the_next_release_costs_or_that_nothing_would_leave(able, expected):
    assert any(expected in line for line in said("private", able))
