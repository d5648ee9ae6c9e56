"""Where a case may go from where it stands."""

from lineament.core.cases import SEARCHABLE, CaseState, may_become


def test_a_case_that_is_closed_can_be_appealed_or_opened_again():
    """And nothing is searched in it until then."""
    assert may_become(CaseState.CLOSED, CaseState.APPEALED)
    assert may_become(CaseState.CLOSED, CaseState.OPEN)
    assert {CaseState.CLOSED, CaseState.APPEALED}.isdisjoint(SEARCHABLE)


def test_only_a_closed_case_is_appealed():
    """An appeal is against something that was ended."""
    assert [one for one in CaseState if may_become(one, CaseState.APPEALED)] == [CaseState.CLOSED]


def test_every_open_case_can_be_closed_and_none_becomes_what_it_is():
    """There is a way to the end from everywhere."""
    assert all(may_become(one, CaseState.CLOSED) for one in CaseState if one is not CaseState.CLOSED)
    assert not any(may_become(one, one) for one in CaseState)
