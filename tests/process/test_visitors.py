"""Who may speak to a listener: programs on this machine, no page of another site.

What browsers send is from the Fetch standard (Origin) and Fetch Metadata (Sec-Fetch-*).
"""

import pytest

from rockbottom.process import Visitors, guarded, is_loopback

LOCAL = Visitors("127.0.0.1")


def refused(visitors, method="POST", **headers):
    """Whether a request with these headers is refused; ``sec_fetch_site`` is Sec-Fetch-Site."""
    return visitors.refusal(method, {name.replace("_", "-"): value for name, value in headers.items()}.get) is not None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:4747", "localhost", "localhost:80", "[::1]:4747", "bucket.localhost:9000", "192.168.1.7:4747",
     "bedrock-runtime.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"],
)  # fmt: skip
def test_a_program_on_this_machine_is_answered(host):
    """It names an address, localhost or the service, and has no Origin."""
    assert not refused(LOCAL, host=host)


@pytest.mark.parametrize(
    "host",
    ["evil.example:4747", "", "127.0.0.1.evil.example", "localhost.evil.example", "bedrock.evil.amazonaws.com.evil.io",
     "ec2-1-2-3-4.compute.amazonaws.com", "[::1", "rockbottom"],
)  # fmt: skip
def test_a_name_that_somebody_pointed_here_is_not(host):
    """DNS rebinding: the page's own name resolves to 127.0.0.1, and the Host header still tells."""
    assert refused(LOCAL, host=host)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "file://", ""])
def test_a_page_of_another_origin_is_not(origin):
    """A form, fetch or text/plain POST of any page carries its Origin."""
    assert refused(LOCAL, host="127.0.0.1:4747", origin=origin)
    assert refused(LOCAL, "OPTIONS", host="127.0.0.1:4747", origin=origin)


def test_the_listeners_own_page_is_answered():
    """Its Origin is the Host that it was loaded from."""
    assert not refused(LOCAL, host="127.0.0.1:4747", origin="http://127.0.0.1:4747")
    assert not refused(LOCAL, "GET", host="127.0.0.1:4747", sec_fetch_site="same-origin")


def test_an_image_or_script_of_another_site_is_refused_and_a_followed_link_is_not():
    """Requests without Origin say by Sec-Fetch-Site where they come from."""
    for site in ("cross-site", "same-site"):
        assert refused(LOCAL, "GET", host="localhost", sec_fetch_site=site, sec_fetch_mode="no-cors")
        assert not refused(LOCAL, "GET", host="localhost", sec_fetch_site=site, sec_fetch_mode="navigate")
        assert refused(LOCAL, "POST", host="localhost", sec_fetch_site=site, sec_fetch_mode="navigate")


def test_names_and_origins_can_be_allowed():
    """A name, all names below one, and a page."""
    visitors = Visitors("127.0.0.1", ("bedrock.test", ".corp.example"), ("https://app.example",))
    assert not refused(visitors, host="bedrock.test:4747")
    assert not refused(visitors, host="a.b.corp.example")
    assert refused(visitors, host="notcorp.example")
    assert not refused(visitors, host="127.0.0.1", origin="https://app.example")
    assert refused(visitors, host="127.0.0.1", origin="https://app.example.evil.io")


def test_on_an_address_of_the_network_its_own_names_are_taken():
    """A container is called by a name without a dot, which no public name has; pages stay out."""
    visitors = Visitors("0.0.0.0")
    assert not refused(visitors, host="rockbottom:4747")
    assert refused(visitors, host="evil.example")
    assert refused(visitors, host="rockbottom:4747", origin="https://evil.example")


def test_a_guarded_application_is_not_called_for_a_page():
    """403 and the reason; the application never runs."""
    ran, started = [], []
    application = guarded(lambda environ, start: ran.append(environ) or [b"ok"], LOCAL)
    environ = {"REQUEST_METHOD": "POST", "HTTP_HOST": "127.0.0.1", "HTTP_ORIGIN": "https://evil.example"}
    body = b"".join(application(environ, lambda status, headers: started.append(status)))
    assert (ran, started) == ([], ["403 Forbidden"])
    assert b"https://evil.example" in body
    assert application({"HTTP_HOST": "localhost:9000"}, None) == [b"ok"]


def test_loopback():
    """What only this machine reaches."""
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "box.example")] == [
        True, True, True, False, False,
    ]  # fmt: skip
