"""A platform's key for secure sums on its way to enrolment: behind the public key, with the node key's signature."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client.agent.home import AgentHome, MemberSettings
from client.rounds.own_party import OwnParty
from client.store.head_store import open_heads
from shared.errors import ConfigError, WireError, os_error_as
from shared.secure_sum.endorsement import endorsement, require_endorsed
from shared.secure_sum.roster import Member
from shared.secure_sum.sum_key_line import SumKey, split_public_key
from shared.system.whole_file import write_whole


def own_party(home: AgentHome, settings: MemberSettings) -> OwnParty:
    """What the agent keeps of secure sums.

    Args:
        home: the agent's folder.
        settings: of the agent; they name the vault's key and the platform.

    Returns:
        the platform as a party of secure sums.

    Raises:
        ConfigError: if the vault's key cannot be had.
        StorageError: if the vault cannot be opened.
    """
    return OwnParty(open_heads(home.vault, settings.node(home).vault_key), settings.name)


def bring_sum_key(home: AgentHome, settings: MemberSettings) -> bool:
    """Let ``node.key.pub`` hold the vault's key for sums, which is made where there is none.

    Args:
        home: the agent's folder.
        settings: of the agent.

    Returns:
        whether the file changed: then the coordinator does not have this key yet.

    Raises:
        ConfigError: if a key file cannot be read or written.
        StorageError: if the vault cannot be read or written.
    """
    member = own_party(home, settings).member
    with os_error_as(ConfigError, f"{home.public_key}: the public key cannot be read"):
        rest, sum_key = split_public_key(home.public_key.read_text("utf-8"))
    node_key = _node_key(home)
    if sum_key is not None and sum_key.key == member.key and _is_endorsed(member, node_key, sum_key.endorsement):
        return False
    line = SumKey(member.key, endorsement(node_key, member)).line
    with os_error_as(ConfigError, f"{home.public_key}: cannot be written"):
        write_whole(home.public_key, f"{rest}{line}\n".encode())
    return True


def send_again(home: AgentHome, line: str) -> str:
    """What is to be done once ``bring_sum_key`` changed the file.

    Args:
        home: the agent's folder, which holds the public key.
        line: what the coordinator runs.

    Returns:
        two lines of text.
    """
    return f"{home.public_key} has a new key for secure sums: send it to the coordinator, who runs\n  {line}"


def _is_endorsed(member: Member, node_key: ec.EllipticCurvePrivateKey, signature: bytes) -> bool:
    try:
        require_endorsed(member, node_key.public_key(), signature)
    except WireError:
        return False
    return True


def _node_key(home: AgentHome) -> ec.EllipticCurvePrivateKey:
    with os_error_as(ConfigError, f"{home.key}: the agent's key cannot be read"):
        content = home.key.read_bytes()
    try:
        key = serialization.load_ssh_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{home.key}: expected the agent's private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{home.key}: expected a private key of a NIST curve")
    return key
