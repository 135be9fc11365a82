"""What every client test gets: a gateway of its own, in a folder of its own, on free ports."""

import pytest

from gateway import Gateway


def pytest_addoption(parser):
    parser.addoption("--binary", required=True, help="the dragoman to test")


@pytest.fixture
def gateway(request, tmp_path):
    """A running gateway. A test module says what is in its config beside the five routes: CONVERSATIONS, OPTIONS, SERVER."""
    running = Gateway(
        request.config.getoption("--binary"),
        tmp_path,
        conversations=getattr(request.module, "CONVERSATIONS", ""),
        options=getattr(request.module, "OPTIONS", {}),
        server=getattr(request.module, "SERVER", ""),
    )
    with running:
        yield running
    running.must_not_have_logged_credentials()
