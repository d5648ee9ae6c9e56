"""The policy in plain words, the approval of another one by two people, and who may do what."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from lineament.app import people, policies, sign_in
from lineament.app.installation import Installation
from lineament.core.policy import Role
from lineament.core.policy_file import parse_policy
from lineament.records import policies as records_policies
from lineament.testing import recorded
from tests.e2e.conftest import PHONE, Site, Visitor


def offer(installation: Installation, *changes: tuple[str, str]) -> None:
    """Do what the next command does that finds another policy in the data folder."""
    text = installation.policy.text
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with installation.records.write() as tx:
        records_policies.offer(tx, parse_policy(text), "2026-11-22T12:00:00.000Z")


WIDER = (
    ("target_fpir = 0.01 ", "target_fpir = 0.05 "),
    ('needs = ["case", "narrative"]', 'needs = ["case"]'),
    ("searches_a_day = 50", "searches_a_day = 20"),
)


def test_the_policy_is_read_without_knowing_a_file(site: Site, visitor: Visitor) -> None:
    """A card for each purpose with its terms in sentences; nothing waits."""
    page = visitor.page
    page.get_by_role("navigation").get_by_role("link", name="Policy").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Policy")
    card = page.get_by_role("region", name="Missing person")
    expect(card).to_contain_text("only in a case that holds a narrative that says why")
    expect(card).to_contain_text("2 examiners must agree before a candidate is a lead.")
    expect(page.get_by_role("region", name="Archive research")).to_contain_text("About 1 in 100 searches")
    expect(page.get_by_text("Waits for approval")).to_have_count(0)
    visitor.picture("policy")


def test_two_administrators_approve_a_policy_that_lets_more_through(
    site: Site, arrive: Callable[..., Visitor]
) -> None:
    """The first presses the button and waits for the second; others only read what is about to come."""
    installation = site.installation
    offer(installation, *WIDER)
    operator = sign_in.operator(installation)
    second = people.add(installation, operator, "Ada Second", [Role.ADMINISTRATOR])
    reader = people.add(installation, operator, "Rita Reader", [Role.SEARCHER])

    reading = arrive(site, who=reader)
    reading.page.goto(f"{site.address}/policy")
    expect(reading.page.get_by_text("Waits for approval")).to_be_visible()
    expect(reading.page.get_by_role("button", name="Approve")).to_have_count(0)

    one = arrive(site)
    one.page.goto(f"{site.address}/policy")
    waiting = one.page.get_by_role("region", name="Another policy is ready")
    expect(waiting).to_contain_text("The threshold of the purpose 'archive-research' is lower")
    expect(waiting).to_contain_text("The purpose 'missing-person' no longer needs a narrative.")
    expect(waiting).to_contain_text("20, before 50")
    one.picture("policy-waiting")
    one.page.get_by_role("button", name="Approve").click()
    expect(waiting).to_contain_text("You have approved it. Another administrator must do so, too.")
    expect(one.page.get_by_role("button", name="Approve")).to_have_count(0)

    other = arrive(site, viewport=PHONE, javascript=False, who=second)
    other.page.goto(f"{site.address}/policy")
    expect(other.page.get_by_text("Approved by operator on")).to_be_visible()
    other.picture("phone-policy")
    other.page.get_by_role("button", name="Approve").click()
    expect(other.page.get_by_text("In force at the next start")).to_be_visible()
    other.picture("phone-policy-approved")
    approvals = [entry["who"] for entry in recorded(installation) if entry["kind"] == "policy.approved"]
    assert approvals == [operator.id, second.id]
    assert installation.policy == policies.default()


def test_a_new_purpose_is_read_before_it_is_approved(site: Site, visitor: Visitor) -> None:
    """Its terms stand in what waits, and nowhere under what is in force."""
    added = policies.shipped("investigation").split("# A victim")[0]
    offer(site.installation, ("[purposes.own-likeness]", f"{added}\n[purposes.own-likeness]"))
    visitor.page.goto(f"{site.address}/policy")
    waiting = visitor.page.get_by_role("region", name="Another policy is ready")
    expect(waiting).to_contain_text("The purpose 'serious-offence' is new.")
    expect(waiting.get_by_role("heading", name="New: Serious offence")).to_be_visible()
    expect(waiting).to_contain_text("an authorisation with its number, issuer, scope and expiry")
    expect(visitor.page.get_by_role("region", name="Serious offence", exact=True)).to_have_count(0)
    visitor.picture("policy-new-purpose")


def test_a_policy_that_lets_no_more_through_needs_nobody(site: Site, visitor: Visitor) -> None:
    """The page says so and offers no button."""
    offer(site.installation, ("searches_a_day = 50", "searches_a_day = 20"))
    visitor.page.goto(f"{site.address}/policy")
    expect(visitor.page.get_by_text("In force at the next start")).to_be_visible()
    expect(visitor.page.get_by_text("It lets no more through than the one in force")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Approve")).to_have_count(0)


def test_somebody_is_added_and_comes_in_with_the_link_that_is_shown_once(
    site: Site, visitor: Visitor, arrive: Callable[..., Visitor]
) -> None:
    """From the page of the policy; the new person sees what their role allows and not this page."""
    page = visitor.page
    page.goto(f"{site.address}/policy")
    page.get_by_role("link", name="People and their roles").click()
    add = page.get_by_role("region", name="Add somebody")
    add.get_by_label("Name").fill("Erika Examiner")
    add.get_by_label("Examiner").check()
    add.get_by_role("button", name="Add").click()
    person = page.get_by_role("region", name="Erika Examiner")
    expect(person).to_contain_text("examiner")
    visitor.picture("people")
    person.get_by_role("button", name="Make a sign-in link for Erika Examiner").click()
    link = page.locator("#link").inner_text()
    assert link.startswith(f"{site.address}/sign-in/")
    visitor.picture("people-link")
    page.goto(f"{site.address}/people")
    expect(page.locator("#link")).to_have_count(0)

    erika = arrive(site, signed_in=False)
    erika.page.goto(link)
    erika.page.goto(f"{site.address}/people")
    expect(erika.page.get_by_text("This is for the role administrator.")).to_be_visible()
    erika.expect_refusal(403)


def test_roles_are_changed_by_keyboard_and_the_last_administrator_stays(
    site: Site, arrive: Callable[..., Visitor]
) -> None:
    """Tick, save, and the list says what they may do; one's own last role cannot be unticked."""
    operator = sign_in.operator(site.installation)
    people.add(site.installation, operator, "Sam Searcher", [Role.SEARCHER])
    visitor = arrive(site, viewport=PHONE)
    page = visitor.page
    page.goto(f"{site.address}/people")
    person = page.get_by_role("region", name="Sam Searcher")
    person.get_by_text("Change roles").focus()
    page.keyboard.press("Enter")
    person.get_by_label("Searcher").focus()
    page.keyboard.press("Space")
    person.get_by_label("Auditor").focus()
    page.keyboard.press("Space")
    visitor.picture("phone-people")
    person.get_by_role("button", name="Save roles").focus()
    page.keyboard.press("Enter")
    expect(person.locator(".state")).to_have_text("auditor")
    own = page.get_by_role("region", name="operator")
    own.get_by_text("Change roles").click()
    expect(own.get_by_label("Administrator")).to_be_disabled()
    own.get_by_label("Curator").uncheck()
    own.get_by_role("button", name="Save roles").click()
    expect(own.locator(".state")).not_to_contain_text("curator")
    expect(own.locator(".state")).to_contain_text("administrator")


@pytest.mark.parametrize("address", ["/policy", "/people"])
def test_nobody_reads_it_who_is_not_signed_in(
    site: Site, arrive: Callable[..., Visitor], address: str
) -> None:
    """Names and rules of an installation are for its people."""
    visitor = arrive(site, signed_in=False)
    visitor.page.goto(f"{site.address}{address}")
    expect(visitor.page.get_by_text("You are not signed in.")).to_be_visible()
    visitor.expect_refusal(401)
