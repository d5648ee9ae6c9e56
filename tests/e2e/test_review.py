"""A list of candidates in a case: looked at, judged, compared and concluded by the first examiner."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from lineament.app import candidates, sign_in
from lineament.app.casework import review
from lineament.app.casework.members import set_member
from lineament.app.installation import Installation
from lineament.core.cases import Part
from lineament.core.policy import Role
from lineament.core.review import WORDING, Component, Conclusion, Judgement, Seen
from lineament.records import kept_probes
from lineament.records.searches import Search
from tests.casework import a_case, a_search, somebody
from tests.e2e.comparing import fill_in, record
from tests.e2e.conftest import PHONE, Site, Visitor


@pytest.fixture
def search(desk: Installation) -> Search:
    """A search of the operator's in a case: every face of the collection is a candidate."""
    return a_search(desk, a_case(desk))


@pytest.fixture
def bureau(desk: Installation, serve: Callable[[Installation], Site]) -> Site:
    """A server over it."""
    return serve(desk)


@pytest.fixture
def list_page(search: Search, bureau: Site) -> str:
    """The address of the list."""
    return f"{bureau.address}/searches/{search.id}"


@pytest.fixture
def first(list_page: str, bureau: Site, arrive: Callable[..., Visitor]) -> Visitor:
    """The operator, who is an examiner, too, in front of the list."""
    visitor = arrive(bureau)
    visitor.page.goto(list_page)
    return visitor


@pytest.fixture
def sought(desk: Installation, search: Search) -> int:
    """The number that the photograph of the person sought has for the operator."""
    shown = candidates.show_search(desk, sign_in.operator(desk), search.id).candidates
    return next(one.number for one in shown if one.face and one.face.image.provenance.path == "obama.jpg")


def judge_all(desk: Installation, search: Search) -> None:
    """Let the operator open every candidate and say what they think of it."""
    who = sign_in.operator(desk)
    for one in candidates.show_search(desk, who, search.id).candidates:
        review.open_candidate(desk, who, search.id, one.number)
        review.judge(desk, who, search.id, one.number, Judgement.WORTH_COMPARING)


def test_scores_and_ranks_are_hidden_until_a_first_judgement(
    first: Visitor, list_page: str, sought: int
) -> None:
    """The list is in no order; what is judged shows its score and rank, and nothing else does."""
    page = first.page
    first.picture("result-blind")
    for hidden in ("comparison score", "strangers", "resemblance", "Rank"):
        assert hidden not in page.locator("main").inner_text()
    expect(page.locator(".candidate")).to_have_count(7)
    expect(page.get_by_text("Not yet looked at")).to_have_count(7)
    expect(page.locator("#conclusion")).to_contain_text("7 candidates left")
    page.get_by_role("link", name=f"Compare photograph {sought}").click()
    expect(page.locator("img.placed")).to_have_count(2)
    expect(page.locator(".source")).to_contain_text("White House (public domain)")
    for hidden in ("comparison score", "strangers", "quality"):
        assert hidden not in page.content()
    first.picture("compare-blind")
    page.get_by_role("button", name="Worth comparing feature by feature").click()
    expect(page.locator(".beside")).to_contain_text("comparison score, rank 1 of 7")
    page.goto(list_page)
    expect(page.locator(".score")).to_have_count(1)
    expect(page.locator(".candidate").nth(sought - 1)).to_contain_text("Rank 1. First impression: worth")
    expect(page.locator("#conclusion")).to_contain_text("6 candidates left")


def test_a_comparison_is_made_with_the_keyboard_alone(
    first: Visitor, desk: Installation, search: Search, list_page: str, sought: int
) -> None:
    """Arrow keys answer, Tab goes on, a note opens where something is different, and the count follows."""
    judge_all(desk, search)
    page = first.page
    page.goto(f"{list_page}/candidates/{sought}")
    expect(page.locator("#done")).to_have_text("0 of 19 done")
    first.picture("compare-form")
    page.locator("#next").press("Enter")
    for one in Component:
        expect(page.locator(f"#seen-{one}")).to_be_focused()
        if one is Component.SCARS:
            page.keyboard.press("Space")  # not visible
        else:
            page.keyboard.press("ArrowRight")  # similar
        if one is Component.NOSE:
            page.keyboard.press("ArrowRight")  # different
            expect(page.locator("#done")).to_have_text("8 of 19 done")  # a difference needs a note
        page.keyboard.press("Tab")
        expect(page.locator(f"#note-{one}")).to_be_focused()
        if one is Component.NOSE:
            page.keyboard.type("The tip is rounder.")
        page.keyboard.press("Tab")
    expect(page.locator("#done")).to_have_text("19 of 19 done")
    page.keyboard.type("Ears and brows.")
    page.keyboard.press("Tab")
    page.keyboard.type("The tip of the nose; he speaks.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your comparison")).to_be_visible()
    (made,) = review.state_of(desk, sign_in.operator(desk), search.id).reviews[sought]
    said = {one.component: one for one in made.comparison.findings}
    assert said[Component.SCARS].seen is Seen.NOT_VISIBLE
    assert (said[Component.NOSE].seen, said[Component.NOSE].note) == (Seen.DIFFERENT, "The tip is rounder.")
    assert {one.seen for name, one in said.items() if name not in {"scars", "nose"}} == {Seen.SIMILAR}
    assert made.comparison.conclusion is Conclusion.STRONG_SAME
    expect(page.locator(".in-words")).to_have_text(WORDING[Conclusion.STRONG_SAME])


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_missing_is_listed_and_nothing_is_lost(
    bureau: Site,
    arrive: Callable[..., Visitor],
    desk: Installation,
    search: Search,
    list_page: str,
    javascript: bool,
) -> None:
    """A refused form comes back as it was, with links to what is missing; so it does without the script."""
    judge_all(desk, search)
    visitor = arrive(bureau, javascript=javascript)
    page = visitor.page
    page.goto(f"{list_page}/candidates/2")
    page.locator("[name=seen-ears][value=similar]").check()
    page.locator("[name=seen-nose][value=different]").check()
    page.fill("#similarities", "The ears.")
    record(page)
    lacks = page.locator("#lacks li")
    expect(lacks).to_have_count(20)  # 17 features, a note, the differences, the conclusion
    visitor.expect_refusal(422)
    expect(page.locator("#lacks")).to_contain_text("Nose: a difference needs a note")
    expect(page.locator("#lacks")).not_to_contain_text("Ears")
    expect(page.locator("[name=seen-ears][value=similar]")).to_be_checked()
    expect(page.locator("#similarities")).to_have_value("The ears.")
    page.get_by_role("link", name="Nose: a difference needs a note").click()
    expect(page.locator("#note-nose")).to_be_in_viewport()
    fill_in(page, Conclusion.DIFFERENT)
    page.fill("#differences", "A match it is not.")
    record(page)
    expect(page.locator("#lacks")).to_contain_text("Say what you see instead of 'match' in the differences.")
    visitor.expect_refusal(422)
    expect(page.locator("[name=conclusion]:checked")).to_have_value(Conclusion.DIFFERENT)
    page.fill("#differences", "Nose and chin.")
    record(page)
    expect(page.get_by_role("heading", name="Your comparison")).to_be_visible()


def test_a_draft_outlives_a_reload_and_goes_once_it_is_recorded(
    first: Visitor, desk: Installation, search: Search, list_page: str
) -> None:
    """What was chosen and typed is there again; of what is on record no draft is kept."""
    judge_all(desk, search)
    page = first.page
    page.goto(f"{list_page}/candidates/2")
    fill_in(page, Conclusion.INCONCLUSIVE)
    page.reload()
    expect(page.locator("#done")).to_have_text("19 of 19 done")
    expect(page.locator("#differences")).to_have_value("The nose.")
    expect(page.locator("[name=conclusion]:checked")).to_have_value(Conclusion.INCONCLUSIVE)
    record(page)
    expect(page.get_by_role("heading", name="Your comparison")).to_be_visible()
    page.wait_for_function("() => sessionStorage.length === 0")


def test_what_the_comparison_supports_is_put_forward(
    first: Visitor, desk: Installation, search: Search, list_page: str, sought: int
) -> None:
    """Only that can be; where it stands is said on the list, for counsel too, who change nothing."""
    judge_all(desk, search)
    page = first.page
    for number, conclusion in ((sought, Conclusion.SAME), (sought % 7 + 1, Conclusion.DIFFERENT)):
        page.goto(f"{list_page}/candidates/{number}")
        fill_in(page, conclusion)
        record(page)
        expect(page.get_by_role("heading", name="Your comparison")).to_be_visible()
    page.goto(list_page)
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.get_by_role("button", name="Put forward").click()
    expect(page.locator("h1")).to_contain_text("No photograph was chosen.")
    first.expect_refusal(422)
    page.goto(list_page)
    page.get_by_role("checkbox", name=f"Photograph {sought}").check()
    page.get_by_role("button", name="None of these").click()
    expect(page.locator("h1")).to_contain_text("A photograph was chosen and 'None of these' was said")
    first.expect_refusal(422)
    page.goto(list_page)
    page.get_by_role("checkbox", name=f"Photograph {sought}").check()
    page.get_by_role("button", name="Put forward").click()
    expect(page.locator("#conclusion-title")).to_have_text("Put forward")
    expect(page.locator("#conclusion")).to_contain_text(f"Photograph {sought}: put forward, waiting")
    first.picture("result-concluded")


def test_counsel_reads_the_list_with_scores_and_changes_nothing(
    bureau: Site, arrive: Callable[..., Visitor], desk: Installation, search: Search, list_page: str
) -> None:
    """Whoever only reads the case sees ranks, scores and comparisons; and no button that acts."""
    counsel = somebody(desk, "Connie Counsel", Role.COUNSEL)
    assert search.case_id
    set_member(desk, sign_in.operator(desk), search.case_id, counsel.name, Part.COUNSEL)
    judge_all(desk, search)
    visitor = arrive(bureau, who=counsel)
    page = visitor.page
    page.goto(list_page)
    expect(page.locator(".score")).to_have_count(7)
    expect(page.locator("#conclusion")).to_contain_text("Not concluded yet")
    page.get_by_role("link", name="Compare photograph 1").click()
    expect(page.locator(".beside")).to_contain_text("comparison score, rank 1 of 7")
    expect(page.locator("main form")).to_have_count(0)
    visitor.picture("compare-counsel")


def test_none_of_these_is_an_ordinary_outcome(
    arrive: Callable[..., Visitor], bureau: Site, desk: Installation, search: Search, list_page: str
) -> None:
    """Who has opened all may say so at once, also on a phone and without the script."""
    judge_all(desk, search)
    visitor = arrive(bureau, PHONE, javascript=False)
    visitor.page.goto(list_page)
    visitor.page.get_by_role("button", name="None of these").click()
    expect(visitor.page.locator("#conclusion-title")).to_have_text("None of these")
    expect(visitor.page.locator("#conclusion")).to_contain_text("an ordinary outcome")


def test_pages_say_where_a_photograph_was_erased(
    arrive: Callable[..., Visitor], bureau: Site, desk: Installation, search: Search, list_page: str
) -> None:
    """When the time of the probe has run out, the list and the comparison say so in its place."""
    with desk.records.write() as tx:
        kept_probes.forget_probes(tx, [search.probes[0].sha256])
    page = arrive(bureau).page
    page.goto(list_page)
    expect(page.locator(".probes")).to_have_text("Photograph erased: its time had run out.")
    page.goto(f"{list_page}/candidates/1")
    expect(page.locator(".looking")).to_contain_text("The photograph that was searched has been erased")
    expect(page.get_by_role("img", name="Photograph 1")).to_be_visible()
