"""Who is there: the first person, one-time sign-in links, sessions and API tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta

from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import NotSignedIn, SignInLinkSpent
from lineament.records import people
from lineament.records.people import CredentialKind

LINK_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=12)
TOKEN_LIFE = timedelta(days=30)


def operator(installation: Installation) -> Person:
    """Return the person who runs this installation, recorded at the first start."""
    with installation.records.write() as tx:
        who = people.first_person(tx)
        if who is None:
            who = Person(installation.new_id(), "operator", frozenset(Role))
            people.add_person(tx, who)
        return who


def new_link_secret(installation: Installation, who: Person) -> str:
    """Return the secret of a sign-in link that works once, within 15 minutes."""
    return _issue(installation, who, CredentialKind.SIGN_IN_LINK, LINK_LIFE)


def new_token(installation: Installation, who: Person) -> str:
    """Return an API token that works for 30 days. It is shown once and kept nowhere."""
    return _issue(installation, who, CredentialKind.TOKEN, TOKEN_LIFE)


def open_session(installation: Installation, link_secret: str) -> str:
    """Spend a sign-in link and return the session's secret. Raises SignInLinkSpent."""
    session_secret, now = secrets.token_urlsafe(32), installation.clock()
    with act(installation) as doing:
        who = people.use_once(doing.tx, CredentialKind.SIGN_IN_LINK, link_secret, now)
        if who is None:
            raise SignInLinkSpent("This sign-in link has been used, or is older than 15 minutes.")
        people.add_credential(doing.tx, CredentialKind.SESSION, session_secret, who.id, now + SESSION_LIFE)
        doing.record("session.opened", at=iso(now), who=who.id)
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


def _issue(installation: Installation, who: Person, kind: CredentialKind, life: timedelta) -> str:
    secret = secrets.token_urlsafe(32)
    with installation.records.write() as tx:
        people.add_credential(tx, kind, secret, who.id, installation.clock() + life)
    return secret
