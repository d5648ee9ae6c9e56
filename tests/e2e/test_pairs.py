"""Pairs that further examiners compare without knowing where they come from, and how often examiners err."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from lineament.app import candidates, sign_in
from lineament.app.casework import review
from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, Seen
from lineament.records.searches import Search
from lineament.testing import Clock
from tests.casework import a_case, a_search, somebody
from tests.e2e.comparing import fill_in, record
from tests.e2e.conftest import PHONE, Site, Visitor


@pytest.fixture
def search(desk: Installation) -> Search:
    """A search in a case, of which the operator has put forward the photograph of the person sought."""
    made = a_search(desk, a_case(desk))
    who = sign_in.operator(desk)
    for one in candidates.show_search(desk, who, made.id).candidates:
        review.open_candidate(desk, who, made.id, one.number)
        review.judge(desk, who, made.id, one.number, Judgement.WORTH_COMPARING)
    best = next(one for one in candidates.show_search(desk, who, made.id).candidates if one.rank == 1)
    findings = tuple(Finding(one, Seen.SIMILAR) for one in Component)
    alike = Comparison(findings, "Ears and brows.", "None that is seen.", Conclusion.SAME)
    review.compare(desk, who, made.id, best.number, alike)
    review.conclude(desk, who, made.id, [best.number])
    return made


@pytest.fixture
def ada(desk: Installation) -> Person:
    """An examiner who has no part in the case."""
    return somebody(desk, "Ada Examiner", Role.EXAMINER)


@pytest.fixture
def bureau(desk: Installation, search: Search, serve: Callable[[Installation], Site]) -> Site:
    """A server, with a pair that waits among others."""
    return serve(desk)


@pytest.fixture
def second(bureau: Site, ada: Person, arrive: Callable[..., Visitor]) -> Visitor:
    """That examiner, in front of the queue."""
    visitor = arrive(bureau, who=ada)
    visitor.page.goto(f"{bureau.address}/reviews")
    return visitor


def test_a_pair_is_two_photographs_and_nothing_else(
    second: Visitor, desk: Installation, search: Search
) -> None:
    """Nothing that the browser is sent or asks for says where the photographs come from."""
    page = second.page
    second.picture("reviews")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Take the next pair").click()
    expect(page.locator("img.placed")).to_have_count(2)
    second.picture("pair")
    assert page.title() == "A pair to compare · Lineament"
    pair = page.url.rpartition("/")[2]
    paths = {url.split("/", 3)[3] for url in asked} - {"reviews/take", f"reviews/{pair}"}
    pictures = {path for path in paths if not path.startswith("static/")}
    assert pictures == {f"api/v1/reviews/{pair}/{side}.jpg" for side in ("probe", "candidate")}
    shown = candidates.show_search(desk, sign_in.operator(desk), search.id)
    told = {search.id, str(search.case_id), "2026/17", "score", "rank", "strangers", "Obama", "House", ".gov"}
    for one in shown.candidates:
        told |= {one.face.id, one.face.image.id, one.face.image.sha256} if one.face else set()
    html = page.content()
    assert [secret for secret in told if secret in html] == []


def test_a_second_examiner_who_agrees_makes_it_a_lead(
    second: Visitor, arrive: Callable[..., Visitor], bureau: Site, search: Search
) -> None:
    """The comparisons are recorded with thanks and nothing more; the first examiner's list says 'a lead'."""
    page = second.page
    while page.get_by_role("button", name="Take the next pair").count():
        page.get_by_role("button", name="Take the next pair").click()
        expect(page.locator("#done")).to_have_text("0 of 19 done")
        page.fill("#differences", "None.")
        record(page)
        expect(page.locator("#lacks")).to_contain_text("Skin: nothing is said")
        second.expect_refusal(422)
        expect(page.locator("#differences")).to_have_value("None.")
        fill_in(page, Conclusion.SAME)
        record(page)
        expect(page.get_by_role("status")).to_have_text("Thank you. Your comparison is on record.")
    second.picture("reviews-thanks")
    page.wait_for_function("() => sessionStorage.length === 0")
    first = arrive(bureau)
    first.page.goto(f"{bureau.address}/searches/{search.id}")
    expect(first.page.locator("#conclusion")).to_contain_text(": a lead")


def test_a_pair_that_was_taken_waits_on_a_phone_too(
    second: Visitor, arrive: Callable[..., Visitor], bureau: Site, ada: Person
) -> None:
    """The photographs stay in view above the form; a pair of somebody else's is not there."""
    page = second.page
    page.get_by_role("button", name="Take the next pair").click()
    page.wait_for_url("**/reviews/*")
    phone = arrive(bureau, PHONE, who=ada)
    phone.page.goto(f"{bureau.address}/reviews")
    phone.page.get_by_role("link", name="Go on with the pair that you have taken").click()
    expect(phone.page.locator("img.placed")).to_have_count(2)
    phone.picture("phone-pair")
    phone.page.locator("#next").click()
    expect(phone.page.locator("#seen-skin")).to_be_focused()
    phone.page.locator("[name=conclusion]").last.check()
    expect(phone.page.locator("#panes")).to_be_in_viewport(ratio=0.95)
    first = arrive(bureau)
    first.page.goto(page.url)
    expect(first.page.locator("main")).to_contain_text("Code:")
    first.expect_refusal(404)


def test_who_is_no_examiner_is_told_so(
    bureau: Site, desk: Installation, arrive: Callable[..., Visitor]
) -> None:
    """A plain sentence, and nothing to press."""
    page = arrive(bureau, who=somebody(desk, "Sam Searcher", Role.SEARCHER)).page
    page.goto(f"{bureau.address}/reviews")
    expect(page.locator("main")).to_contain_text("Pairs are compared by examiners.")
    expect(page.locator("main button")).to_have_count(0)


def test_error_rates_are_shown_with_their_intervals(
    second: Visitor,
    arrive: Callable[..., Visitor],
    bureau: Site,
    ada: Person,
    clock: Clock,
    desk: Installation,
) -> None:
    """An examiner sees their own from the next day on, whoever audits sees those of all."""
    page = second.page
    expect(page.locator("main")).to_contain_text("Not measured yet.")
    while page.get_by_role("button", name="Take the next pair").count():
        page.get_by_role("button", name="Take the next pair").click()
        expect(page.locator("#done")).to_have_text("0 of 19 done")
        fill_in(page, Conclusion.STRONG_SAME)
        record(page)
        expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Not measured yet.")
    clock.turn(timedelta(days=1))
    own = arrive(bureau, who=ada)
    own.page.goto(f"{bureau.address}/reviews")
    expect(own.page.get_by_role("heading", name="How often you err")).to_be_visible()
    expect(own.page.locator("td")).to_have_text(
        ["not measured yet", "1 of 1 (2.5 to 100 in 100)", "0 of 1 (0 to 98 in 100)"]
    )
    all_ = arrive(bureau)
    all_.page.goto(f"{bureau.address}/reviews")
    expect(all_.page.get_by_role("row", name="Ada Examiner")).to_contain_text("1 of 1")
    all_.picture("reviews-rates")
