"""What another policy changes, in sentences, and which of it lets more through than before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from lineament.core.policy import NEEDED, Mode, Policy, Purpose
from lineament.core.words import counted, listed


def widenings(before: Policy, after: Policy) -> list[str]:
    """Return a sentence for whatever lets more through than before; none where nothing does."""
    return [one.sentence for one in _changes(before, after) if one.widens]


def differences(before: Policy, after: Policy) -> list[str]:
    """Return a sentence for whatever is another than before, also where it lets no more through."""
    return [one.sentence for one in _changes(before, after)]


def targets(before: Policy, after: Policy) -> Mapping[str, tuple[float | None, float | None]]:
    """Return by its name each purpose whose target FPIR is another one, with the old and the new target.

    None where it has no target: in investigation mode, or where one of the policies does not have it.
    """
    names = sorted(before.purposes.keys() | after.purposes.keys())
    both = {name: (_target(before, name), _target(after, name)) for name in names}
    return {name: (old, new) for name, (old, new) in both.items() if old != new}


def strangers(target_fpir: float) -> str:
    """Return a target FPIR in words: '1 in 100' searches for somebody who is not there."""
    return f"1 in {round(1 / target_fpir):,}" if target_fpir <= 0.5 else f"{target_fpir * 100:.0f} in 100"


def kept(retention: timedelta) -> str:
    """Return for how long searched photographs are kept: '48 hours', '30 days'."""
    hours = retention // timedelta(hours=1)
    return counted(hours, "hour") if hours <= 72 or hours % 24 else counted(hours // 24, "day")


@dataclass(frozen=True)
class _Change:
    sentence: str
    widens: bool


def _changes(before: Policy, after: Policy) -> Iterator[_Change]:
    for name, new in after.purposes.items():
        old = before.purposes.get(name)
        if old is None:
            yield _Change(f"The purpose '{name}' is new.", widens=True)
        else:
            yield from _changes_of(old, new)
    for name in before.purposes:
        if name not in after.purposes:
            yield _Change(f"The purpose '{name}' is gone.", widens=False)


def _changes_of(old: Purpose, new: Purpose) -> Iterator[_Change]:
    name = new.name
    yield from _more(name, "is also for the role", "is no longer for the role", old.roles, new.roles)
    fewer, more = ([NEEDED[need] for need in one.needs] for one in (new, old))
    yield from _more(name, "no longer needs", "also needs", fewer, more)
    fewer, more = ([basis.replace("-", " ") for basis in one.legal_bases] for one in (old, new))
    also, no_longer = "also fits permissions on the basis of", "no longer fits permissions on the basis of"
    yield from _more(name, also, no_longer, fewer, more)
    yield from _mode(old, new)
    for what, was, now in (
        ("candidates on a list at most", old.limit, new.limit),
        ("hours for which searched photographs are kept", old.retention_hours, new.retention_hours),
        ("searches that each person may make within 24 hours", old.searches_a_day, new.searches_a_day),
    ):
        if was != now:
            yield _Change(_from_to(name, what, was, now), widens=now > was)
    if old.reviewers != new.reviewers:
        agreeing = _from_to(name, "examiners who must agree", old.reviewers, new.reviewers)
        yield _Change(agreeing, widens=new.reviewers < old.reviewers)
    if (old.title, old.explanation) != (new.title, new.explanation):
        words = f"'{new.title}: {new.explanation}'"
        yield _Change(f"The purpose '{name}' is explained in other words: {words}", widens=False)


def _more(
    name: str, gained: str, lost: str, fewer: Collection[str], more: Collection[str]
) -> Iterator[_Change]:
    """What is only among ``more`` lets more through; what is only among ``fewer`` did so before."""
    new, gone = sorted(set(more) - set(fewer)), sorted(set(fewer) - set(more))
    if new:
        yield _Change(f"The purpose '{name}' {gained} {listed(new)}.", widens=True)
    if gone:
        yield _Change(f"The purpose '{name}' {lost} {listed(gone)}.", widens=False)


def _mode(old: Purpose, new: Purpose) -> Iterator[_Change]:
    name = new.name
    if old.mode is not new.mode:
        shows = {
            Mode.INVESTIGATION: "always shows a list, where a threshold decided before",
            Mode.IDENTIFICATION: "shows only what passes a threshold, where there was always a list before",
        }
        yield _Change(f"The purpose '{name}' {shows[new.mode]}.", widens=new.mode is Mode.INVESTIGATION)
    elif old.target_fpir and new.target_fpir and old.target_fpir != new.target_fpir:
        rises = new.target_fpir > old.target_fpir
        yield _Change(
            f"The threshold of the purpose '{name}' is {'lower' if rises else 'higher'}: "
            f"{strangers(new.target_fpir)} searches for somebody who is not there shows a false candidate, "
            f"before {strangers(old.target_fpir)} (target_fpir {new.target_fpir:g}, before "
            f"{old.target_fpir:g}).",
            widens=rises,
        )


def _from_to(name: str, what: str, was: int, now: int) -> str:
    return f"The purpose '{name}': {what}: {now:,}, before {was:,}."


def _target(policy: Policy, name: str) -> float | None:
    purpose = policy.purposes.get(name)
    return purpose.target_fpir if purpose else None
