"""Which witnesses have to vouch for a log: the policy file of c2sp.org/tlog-policy.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum none|<name>

A line may refer to names of earlier lines only. Names mean nothing outside of the file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from .cosignature import Witness
from .errors import KeyInvalid, WitnessPolicyInvalid
from .note import PublicKey, Verifier

NONE = "none"  # the quorum that is always there
MAX_POLICY_BYTES = 1_000_000
MAX_LINES = 1_000  # tlog-policy asks for at least 32 logs, 32 witnesses and 32 groups


@dataclass(frozen=True)
class Group:
    """Members of which at least ``least`` must have cosigned."""

    least: int
    members: tuple[str, ...]


@dataclass
class WitnessPolicy:
    """The logs and witnesses that are known, and the quorum; ``urls`` are the witnesses' addresses."""

    logs: list[Verifier] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    @classmethod
    def parse(cls, data: bytes) -> WitnessPolicy:
        """Read a policy file. Raises ``WitnessPolicyInvalid``, which names the line."""
        if len(data) > MAX_POLICY_BYTES or data.count(b"\n") > MAX_LINES:
            raise WitnessPolicyInvalid(f"The witness policy has more than {MAX_LINES} lines.")
        if any((octet < 0x20 and octet not in b"\t\n") or octet == 0x7F for octet in data):
            raise WitnessPolicyInvalid("The witness policy holds a control character.")
        policy = cls()
        # The file is octets: what is not UTF-8 stays apart from everything else by its surrogates.
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
            items = line.replace("\t", " ").split(" ")
            items = [item for item in items if item]
            if not items or items[0].startswith("#"):
                continue
            try:
                policy._take(*items)
            except (KeyInvalid, ValueError) as error:
                raise WitnessPolicyInvalid(f"Line {number} of the witness policy: {error}") from error
        if not policy.quorum:
            raise WitnessPolicyInvalid("The witness policy has no quorum line.")
        return policy

    @classmethod
    def of_log_alone(cls, *logs: Verifier) -> WitnessPolicy:
        """Return the policy that trusts these logs and asks for no witness."""
        return cls(logs=list(logs), quorum=NONE)

    def is_met(self, cosigners: Collection[str]) -> bool:
        """Say whether these witnesses, by their names in the policy, make the quorum."""
        there = {*cosigners, NONE}
        for name, group in self.groups.items():  # each names earlier ones only
            if sum(member in there for member in group.members) >= group.least:
                there.add(name)
        return self.quorum in there

    def trust(self, *logs: Verifier) -> None:
        """Trust these logs and no others. Raises ``WitnessPolicyInvalid`` for one that is its own witness."""
        self.logs = []
        for log in logs:
            try:
                _require_new(log, [*self.logs, *self.witnesses.values()])
            except ValueError as error:
                raise WitnessPolicyInvalid(f"The log {log.name} cannot be trusted so: {error}") from error
            self.logs.append(log)

    def _take(self, keyword: str, *items: str) -> None:
        """Take in one line. Raises ``KeyInvalid`` or ``ValueError`` with a sentence."""
        match keyword, items:
            case "log", (vkey, *url) if len(url) <= 1:
                log = Verifier.from_vkey(vkey)
                _require_new(log, [*self.logs, *self.witnesses.values()])
                self.logs.append(log)
            case "witness", (name, vkey, *url) if len(url) <= 1:
                self._require_free(name)
                witness = Witness.from_vkey(vkey)
                _require_new(witness, [*self.logs, *self.witnesses.values()])
                self.witnesses[name] = witness
                if url:
                    self.urls[name] = url[0]
            case "group", (name, least, *members) if members:
                self._require_free(name)
                self.groups[name] = Group(_least(least, len(members)), self._free_members(members))
            case "quorum", (name,) if not self.quorum:
                if name != NONE:
                    self._require_known(name)
                self.quorum = name
            case "quorum", (_,):
                raise ValueError("there is more than one quorum line.")
            case _:
                raise ValueError(f"'{keyword}' with {len(items)} words is no line of a witness policy.")

    def _require_free(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name '{name}' is taken.")

    def _require_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"no earlier line defines '{name}'.")

    def _free_members(self, members: list[str]) -> tuple[str, ...]:
        """Return the members of a group; each name may be a member once, in the whole file."""
        taken = {member for group in self.groups.values() for member in group.members}
        for at, member in enumerate(members):
            self._require_known(member)
            if member in taken or member in members[:at]:
                raise ValueError(f"'{member}' is a member of a group already.")
        return tuple(members)


def _require_new(key: PublicKey, others: Collection[PublicKey]) -> None:
    if any(key.public_key == other.public_key for other in others):
        raise ValueError("an earlier line has the same public key.")


def _least(word: str, members: int) -> int:
    words = {"any": 1, "all": members}
    if word not in words and not (word.isascii() and word.isdigit() and word[0] != "0"):
        raise ValueError(f"'{word}' is not all, any or a number.")
    least = words.get(word) or int(word)
    if least > members:
        raise ValueError(f"{least} of {members} members can never be there.")
    return least
