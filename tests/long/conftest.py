"""Tests that take minutes; `make test-long` runs them and docs/ledger-tests.md holds their last results."""

from tests.ledger.conftest import signer  # noqa: F401 - a fixture
