"""What a device lets leave: one user stands behind its answers."""

from dataclasses import dataclass

from client.guard.site_policy import SitePolicy
from shared.system.options import option


@dataclass(frozen=True, kw_only=True)
class DevicePolicy(SitePolicy):
    """A site policy without the least number of users that platforms have."""

    minimum_users: int = option(1, least=1, flag="", help="Training users below which nothing about them is told.")
