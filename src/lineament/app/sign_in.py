"""Who is there: the first person, one-time sign-in links, sessions and API tokens."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from lineament.app.installation import Installation
from lineament.app.journal import Act, act
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import NotSignedIn, SignInLinkSpent
from lineament.records import people
from lineament.records.people import CredentialKind

LINK_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)
TOKEN_LIFE = timedelta(days=30)
BURST = 5  # failed sign-ins
BURST_WINDOW = timedelta(minutes=10)


def operator(installation: Installation) -> Person:
    """Return the person who runs this installation, recorded at the first start."""
    with installation.records.read() as tx:
        who = people.first_person(tx)
    if who is not None:
        return who
    with act(installation) as doing:
        who = people.first_person(doing.tx)
        if who is None:
            who = Person(installation.new_id(), "operator", frozenset(Role))
            people.add_person(doing.tx, who)
            for role in sorted(who.roles):
                at = iso(installation.clock())
                doing.record("role.granted", at=at, who=who.id, by=None, role=role, until=None)
        return who


def new_link_secret(installation: Installation, who: Person) -> str:
    """Return the secret of a sign-in link that works once, within 15 minutes."""
    return _issue(installation, who, CredentialKind.SIGN_IN_LINK, LINK_LIFE)


def new_token(installation: Installation, who: Person) -> str:
    """Return an API token that works for 30 days. It is shown once and kept nowhere."""
    return _issue(installation, who, CredentialKind.TOKEN, TOKEN_LIFE)


def open_session(installation: Installation, link_secret: str) -> str:
    """Spend a sign-in link and return the session's secret. Raises SignInLinkSpent.

    Five links that did not open within ten minutes are a burst, and on record as one.
    """
    session_secret, now = secrets.token_urlsafe(32), installation.clock()
    with act(installation) as doing:
        who = people.use_once(doing.tx, CredentialKind.SIGN_IN_LINK, link_secret, now)
        if who is None:
            _count_failure(doing, now)
        else:
            ends = now + SESSION_LIFE
            people.add_credential(doing.tx, CredentialKind.SESSION, session_secret, who.id, ends)
            doing.record("session.opened", at=iso(now), who=who.id)
    if who is None:
        raise SignInLinkSpent("This sign-in link has been used, or is older than 15 minutes.")
    return session_secret


def close_session(installation: Installation, session_secret: str) -> None:
    """End a session; its secret opens nothing from now on."""
    with installation.records.write() as tx:
        people.use_once(tx, CredentialKind.SESSION, session_secret, installation.clock())


def who_holds(installation: Installation, kind: CredentialKind, secret: str | None) -> Person:
    """Return whom a session or token lets in. Raises NotSignedIn."""
    if secret:
        with installation.records.read() as tx:
            who = people.holder(tx, kind, secret, installation.clock())
        if who is not None:
            return who
    raise NotSignedIn("You are not signed in.")


def _count_failure(doing: Act, now: datetime) -> None:
    failures = people.add_sign_in_failure(doing.tx, now, now - BURST_WINDOW)
    if len(failures) >= BURST:
        doing.record("signin.failures", at=iso(now), since=failures[0], failures=len(failures))
        people.forget_sign_in_failures(doing.tx)


def _issue(installation: Installation, who: Person, kind: CredentialKind, life: timedelta) -> str:
    secret = secrets.token_urlsafe(32)
    with installation.records.write() as tx:
        people.add_credential(tx, kind, secret, who.id, installation.clock() + life)
    return secret
