"""The disclosure bundle, taken in a browser by counsel, and refused to who has yet to judge."""

from collections.abc import Callable
from pathlib import Path

from lineament.app import sign_in
from lineament.app.casework.members import set_member
from lineament.app.casework.rerun import rerun
from lineament.app.installation import Installation
from lineament.core.cases import Part
from lineament.core.policy import Role
from tests.casework import a_case, a_search, somebody
from tests.disclosed import steps_of
from tests.e2e.conftest import PHONE, Site, Visitor


def test_counsel_takes_the_bundle_of_a_case(
    desk: Installation, site: Site, arrive: Callable[..., Visitor], tmp_path: Path
):
    """One button, also on a phone; an outsider can check the file, and its searches can be repeated."""
    case = a_case(desk)
    a_search(desk, case)
    counsel = somebody(desk, "Clara Counsel", Role.COUNSEL)
    set_member(desk, sign_in.operator(desk), case.id, counsel.id, Part.COUNSEL)
    visitor = arrive(site, PHONE, who=counsel)
    visitor.page.goto(f"{site.address}/cases/{case.id}")
    visitor.picture("disclosure-button-phone")
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="Disclosure bundle").click()
    assert download.value.suggested_filename == f"case-{case.id[:8]}.zip"
    download.value.save_as(tmp_path / "case.zip")
    data = (tmp_path / "case.zip").read_bytes()
    assert len(steps_of(desk, data)) == 13
    assert [one.same for one in rerun(desk, counsel, data)] == [True]
    visitor.page.reload()
    assert "Took the disclosure bundle, as counsel." in visitor.page.content()


def test_who_has_yet_to_judge_reads_why_there_is_none(
    desk: Installation, site: Site, arrive: Callable[..., Visitor]
):
    """A page with a sentence, and with what to do."""
    case = a_case(desk)
    a_search(desk, case)
    visitor = arrive(site)
    visitor.page.goto(f"{site.address}/cases/{case.id}")
    visitor.page.get_by_role("button", name="Disclosure bundle").click()
    visitor.page.wait_for_load_state()
    visitor.expect_refusal(409)
    assert "still hidden from you" in visitor.page.content()
    visitor.picture("disclosure-refused")
