"""Doors, public pages, and every page on a phone and in the dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lineament import ledger
from lineament.app import collections
from lineament.app.installation import Installation
from lineament.ledger.one_file import one_file
from lineament.web.words import web_link
from tests.e2e.conftest import PHONE, Site, Visitor
from tests.samples import BIDEN, OBAMA, SOLVAY


def test_a_sign_in_link_works_once(site: Site, arrive: Callable[..., Visitor]) -> None:
    """The second visit is told that the link is spent and how to get another."""
    link = site.link()
    first, second = arrive(site, signed_in=False), arrive(site, signed_in=False)
    first.page.goto(link)
    expect(first.page.get_by_role("heading", level=1)).to_contain_text("Search by a photograph")
    second.page.goto(link)
    expect(second.page.locator("main")).to_contain_text("This sign-in link has been used")
    expect(second.page.locator("main")).to_contain_text("lineament sign-in")
    second.picture("sign-in-spent")
    second.expect_refusal(403)


def test_nobody_gets_in_without_a_session_or_after_signing_out(
    site: Site, arrive: Callable[..., Visitor]
) -> None:
    """Pages answer 401 with the way in; signing out ends the session."""
    visitor = arrive(site)
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You have signed out.")
    visitor.page.goto(site.address)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are not signed in.")
    visitor.picture("not-signed-in")
    visitor.expect_refusal(401)


def test_an_unknown_address_is_a_page_and_on_the_interface_a_problem(site: Site, visitor: Visitor) -> None:
    """People get words; programs get problem+json; nobody gets a traceback."""
    page = visitor.page
    for path in ("/nowhere", "/searches/none", "/searches/none/candidates/x", "/static/../pages.py"):
        page.goto(site.address + path)
        visitor.expect_refusal(404)
        expect(page.locator("main")).to_contain_text("Code:")
    answer = page.request.get(f"{site.address}/api/v1/nowhere")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_fault_inside_shows_no_traceback(
    site: Site, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something unforeseen: a page with a sentence, under the same strict headers."""

    def fail(*_args: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(collections, "stock", fail)
    answer = visitor.page.goto(f"{site.address}/collections")
    assert answer
    assert answer.status == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    expect(visitor.page.locator("main")).to_contain_text("Something went wrong inside Lineament.")
    assert "secret of the house" not in visitor.page.content()
    assert "secret of the house" not in visitor.page.request.get(f"{site.address}/api/v1/collections").text()
    visitor.expect_refusal(500)


def test_style_sheets_are_sent_again_only_when_they_changed(site: Site, visitor: Visitor) -> None:
    """A browser that has the file is told so."""
    request = visitor.page.request
    tag = request.get(f"{site.address}/static/site.css").headers["etag"]
    assert request.get(f"{site.address}/static/site.css", headers={"If-None-Match": tag}).status == 304


def test_an_outsider_can_check_the_ledger_over_the_web(
    site: Site, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    """Without signing in: the page shows key and root, and the files it serves verify."""
    visitor = arrive(site, signed_in=False)
    page = visitor.page
    page.goto(f"{site.address}/ledger")
    vkey = site.installation.signer.verifier.vkey
    expect(page.locator("main")).to_contain_text(vkey)
    visitor.picture("ledger")
    folder = site.installation.ledger_folder
    for file in [one for one in folder.rglob("*") if one.is_file()]:
        path = file.relative_to(folder)
        answer = page.request.get(f"{site.address}/ledger/{path}")
        if answer.ok:
            (tmp_path / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "copy" / path).write_bytes(answer.body())
    verifier = ledger.Verifier.from_vkey(vkey)
    checkpoint = ledger.fsck(tmp_path / "copy", verifier, lambda _done, _total: None)
    assert checkpoint.root.hex() in page.inner_text("main")
    assert page.request.head(f"{site.address}/ledger/checkpoint").ok
    verifier_file = page.request.get(f"{site.address}/ledger/verifier.py")
    assert verifier_file.text() == one_file()
    for path in ("..%2fledger-key", "tile/../../ledger-key", "tile/0/000.p/256", "tile/64/000", "lock"):
        assert page.request.get(f"{site.address}/ledger/{path}").status == 404


def test_a_new_installation_says_how_to_begin(
    installation: Installation, serve: Callable[[Installation], Site], arrive: Callable[..., Visitor]
) -> None:
    """Without a collection there is no form, and the page says which commands make one."""
    visitor = arrive(serve(installation))
    expect(visitor.page.locator("main")).to_contain_text("lineament collections add")
    expect(visitor.page.locator("form#search")).to_have_count(0)
    visitor.picture("nothing-yet")


def test_every_page_fits_a_phone(site: Site, arrive: Callable[..., Visitor]) -> None:
    """360 px: no page scrolls sideways, none logs an error."""
    visitor = arrive(site, PHONE)
    page = visitor.page
    page.emulate_media(color_scheme="dark")
    visitor.picture("phone-first")
    for path in ("collections", "ledger"):
        page.goto(f"{site.address}/{path}")
        visitor.picture(f"phone-{path}")
    for photograph, name in ((OBAMA, "candidates"), (BIDEN, "no-lead"), (SOLVAY, "chooser")):
        page.goto(site.address)
        visitor.search(photograph)
        visitor.picture(f"phone-{name}")
        if photograph == OBAMA:
            page.get_by_role("link", name="Compare").click()
            expect(page.locator("img.placed")).to_have_count(2)
            visitor.picture("phone-compare")
    page.goto(site.address)
    visitor.fill_in(OBAMA, BIDEN, SOLVAY)
    visitor.picture("phone-photographs-chosen")
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    visitor.picture("phone-chooser-of-several")
    page.locator(".face-list button").nth(23).click()
    page.locator("#confirm").click()
    expect(page.locator(".probes img")).to_have_count(3)
    visitor.picture("phone-result-of-several")
    page.goto(f"{page.url}/candidates/1?probe=3")
    expect(page.locator("img.placed")).to_have_count(2)
    visitor.picture("phone-compare-of-several")


def test_the_collections_page_states_the_permission(visitor: Visitor) -> None:
    """Who granted it, on which basis, for which purposes and until when, in words."""
    page = visitor.page
    page.get_by_role("link", name="Collections").click()
    for words in ("The archive", "The grantor's own images", "Archive research", "until 22 November 2027"):
        expect(page.locator("main")).to_contain_text(words)
    expect(page.locator("main")).to_contain_text("Permission in force")
    visitor.picture("collections")


def test_only_web_addresses_become_links() -> None:
    """The check at ingest is not relied upon: anything else is no link."""
    assert web_link("https://example.org/a") == "https://example.org/a"
    for other in (
        None,
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "http://",
        "http://[",
    ):
        assert web_link(other) is None
