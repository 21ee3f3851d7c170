"""Mails as an SMTP server gets them."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from infra.local import ports
from services.notifier.channels import Context
from services.notifier.channels.email import Email
from services.notifier.channels.registry import make, parse
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from shared.messages.access import Recipient
from tests.integration.tls_servers import Identity, identity
from tests.unit.notifier.notices import WICKED, notice, told, wording

PASSWORD = "kata sandi rahasia"


@dataclass
class Post:
    """A server's handler: what it got, and how it answers."""

    answer: str = "250 OK"
    refused: str = ""
    mails: list[tuple[Envelope, bool]] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refused and to.startswith("gone"):
            return self.refused
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append((envelope, session.ssl is not None))
        return self.answer

    def last(self) -> EmailMessage:
        content = self.mails[-1][0].content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity(tmp_path_factory.mktemp("smtp"), 1)


def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"pantau", PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@contextmanager
def serving(post: Post, certificate: Identity, implicit: bool = False, **more: Any) -> Iterator[int]:
    port = ports.free(1)[0]
    context = certificate.context()
    tls: dict[str, Any] = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True}
    controller = Controller(post, hostname="127.0.0.1", port=port, ready_timeout=60, **tls | more)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def channel(port: int, certificate: Identity, **more: Any) -> Email:
    entry = {"to": "ops@isp.example", "tls_config": {"ca_file": str(certificate.certificate)}} | more
    defaults = {
        "smtp_smarthost": f"127.0.0.1:{port}",
        "smtp_from": "Pantau <pantau@isp.example>",
        "smtp_hello": "pantau",
    }
    made = make(
        "email", parse("email", entry, defaults, "receivers[ops].email_configs[0]"), "ops/email/0", Context(wording())
    )
    assert isinstance(made, Email)
    return made


async def send(one: Email, what: Notice) -> Outcome:
    return await one.send(one.render(what), what.id)


async def test_a_mail_arrives_encrypted_with_both_parts_and_its_thread(certificate: Identity) -> None:
    post = Post()
    with serving(post, certificate) as port:
        one = channel(port, certificate)
        assert await send(one, notice(told(message="Pelanggan terputus – 312 sesi 🚨"))) == Delivered()
        assert await send(one, notice(told(status="resolved"))) == Delivered()
    envelope, encrypted = post.mails[0]
    assert encrypted
    assert (envelope.mail_from, envelope.rcpt_tos) == ("pantau@isp.example", ["ops@isp.example"])
    assert isinstance(envelope.content, bytes)
    end, begin = post.last(), email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert begin["Subject"] == "🚨 CRITICAL Alert: Pelanggan terputus – 312 sesi 🚨"
    assert begin["From"] == "Pantau <pantau@isp.example>"
    assert begin["Message-ID"] == "<0123456789abcdef@isp.example>"
    assert begin["Date"].datetime.timestamp() == 1_795_449_905
    assert begin["Auto-Submitted"] == "auto-generated"
    assert begin["List-Id"] == "Pantau <ops.pantau.isp.example>"
    assert begin["References"] == begin["In-Reply-To"] == end["References"] != begin["Message-ID"]
    assert begin["X-Priority"] == "1"
    assert end["X-Priority"] is None
    assert isinstance(begin, EmailMessage)
    text, page = begin.get_body(("plain",)), begin.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "312 sesi 🚨\n\nValue: 93.25%\nTime: Monday 23 Nov 2026 23:05 WIB" in text.get_content().replace("\r", "")
    assert "312 sesi 🚨" in page.get_content()


async def test_nothing_in_a_label_becomes_markup_or_a_header(certificate: Identity) -> None:
    post = Post()
    with serving(post, certificate) as port:
        one = channel(port, certificate, headers={"X-Rule": "{{ .CommonLabels.router }}"})
        labels = {"alertname": "x", "router": "a\r\nBcc: all@evil.example\r\n\r\nbody"}
        wicked = told(message=f"first\r\nBcc: evil@evil.example\r\n\r\n{WICKED}", labels=labels)
        assert await send(one, notice(wicked)) == Delivered()
    mail = post.last()
    assert post.mails[0][0].rcpt_tos == ["ops@isp.example"]
    assert mail["Bcc"] is None
    assert mail["X-Rule"] == "a Bcc: all@evil.example body"
    assert mail["Subject"].startswith("🚨 CRITICAL Alert: first Bcc: evil@evil.example a <b>bold</b>")
    page = mail.get_body(("html",))
    assert page is not None
    assert "<b>bold" not in page.get_content()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page.get_content()


async def test_long_texts_and_subjects_arrive_whole_or_cut(certificate: Identity) -> None:
    post = Post()
    with serving(post, certificate) as port:
        assert await send(channel(port, certificate), notice(told(message="panjang 🚨 " * 700))) == Delivered()
    raw = post.mails[0][0].content
    assert isinstance(raw, bytes)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert len(post.last()["Subject"]) <= 200
    text = post.last().get_body(("plain",))
    assert text is not None
    assert text.get_content().count("panjang") == 700


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("implicit", [False, True])
async def test_a_password_is_only_told_encrypted(certificate: Identity, implicit: bool, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    post = Post()
    with serving(
        post, certificate, implicit, authenticator=check, auth_required=True, auth_require_tls=not implicit
    ) as port:
        own: dict[str, Any] = {"auth_username": "pantau", "auth_password_file": str(tmp_path / "password")}
        own["force_implicit_tls"] = implicit
        assert await send(channel(port, certificate, **own), notice()) == Delivered()
        own |= {"auth_password": "wrong", "auth_password_file": None}
        refused = await send(channel(port, certificate, **own), notice())
    assert isinstance(refused, Permanent)
    assert refused.reason == "smtp_535"
    assert "wrong" not in refused.detail
    assert len(post.mails) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 try later", Retry("smtp_451", "the server answered 451")),
        ("552 too big", Permanent("smtp_552", "the server answered 552")),
    ],
)
async def test_what_the_server_answers_is_told_apart(certificate: Identity, answer: str, expected: Outcome) -> None:
    with serving(Post(answer), certificate) as port:
        assert await send(channel(port, certificate), notice()) == expected


async def test_refused_addresses(certificate: Identity) -> None:
    for refused, expected in (("550 who?", Permanent), ("450 busy", Retry)):
        post = Post(refused=refused)
        with serving(post, certificate) as port:
            outcome = await send(channel(port, certificate, to="gone@isp.example"), notice())
            assert isinstance(outcome, expected)
            some = channel(port, certificate, to="gone@isp.example, ops@isp.example")
            assert await send(some, notice()) == Delivered()  # who has it must not get it twice


async def test_servers_that_are_not_to_be_trusted_or_not_there(certificate: Identity, tmp_path: Path) -> None:
    stranger = identity(tmp_path, 1)
    post = Post()
    with serving(post, certificate) as port:
        assert await send(channel(port, stranger), notice()) == Retry("tls", "no secure connection to the server")
    with serving(post, certificate, require_starttls=False, tls_context=None) as port:
        plain = await send(channel(port, certificate), notice())
        assert isinstance(plain, Permanent)
        assert plain.reason == "not_supported"
        assert await send(channel(port, certificate, require_tls=False), notice()) == Delivered()
    absent = await send(channel(ports.free(1)[0], certificate), notice())
    assert isinstance(absent, Retry)
    assert absent.reason == "connect"
    assert len(post.mails) == 1


async def test_people_get_it_in_their_language_and_at_their_address(certificate: Identity) -> None:
    ani = Recipient(id="ani", name="Ani", email="ani@isp.example", language="id")
    post = Post()
    with serving(post, certificate) as port:
        one = channel(port, certificate, to=[{"person": "ani"}])
        assert await send(one, notice(told(status="resolved"), to=ani)) == Delivered()
        assert post.mails[0][0].rcpt_tos == ["ani@isp.example"]
        assert post.last()["Subject"] == "✅ CRITICAL Alert teratasi: Router is gone"
        nobody = await send(one, notice(to=Recipient(id="budi", name="Budi")))
        assert isinstance(nobody, Permanent)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"to": "nobody"}, "no mail address"),
        ({"smarthost": "mail"}, "HOST:PORT"),
        ({"auth_username": "x"}, "needs auth_password"),
        (
            {"auth_username": "x", "auth_password": "y", "require_tls": False, "smarthost": "m:25"},
            "only sent encrypted",
        ),
        ({"headers": {"Bcc": "x"}}, "can't be set"),
        ({"html": "{{ .x"}, "is no template"),
        ({"colour": "red"}, "no such setting"),
    ],
)
def test_bad_settings_are_refused(certificate: Identity, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=r"receivers\[ops\]\.email_configs\[0\]") as refused:
        channel(25, certificate, **change)
    assert says in str(refused.value)
