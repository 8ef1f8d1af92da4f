"""The `tls` check against real TLS servers with certificates of every fault."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from checks.peers import accepting, hanging_up
from checks.probe import probe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from named_pipes import pipe

from opsctl.certificate import matches
from opsctl.checks.tls import TlsCheck
from opsctl.outcome import Cause, Failure

NOW = time.time()
DAY = 86400.0


class Authority:
    """Who signs; its own certificate is signed by `parent`, or by itself."""

    def __init__(self, folder, name, parent=None, days=(-10, 365)):
        self.folder, self.name, self.key = folder, name, ec.generate_private_key(ec.SECP256R1())
        self.parent = parent
        self.certificate = _sign(self.key.public_key(), name, parent or self, days, authority=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(_pem(self.certificate))

    def issue(self, *names, days=(-1, 90), own=False):
        """The path of a file with a new key, its certificate and those above it but the root's."""
        key = ec.generate_private_key(ec.SECP256R1())
        self_signed = Authority.__new__(Authority)
        self_signed.name, self_signed.key = "leaf", key
        certificate = _sign(key.public_key(), "leaf", self_signed if own else self, days, names=names)
        above = [] if own or self.parent is None else [self.certificate]
        path = self.folder / f"leaf-{certificate.serial_number:x}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + b"".join(_pem(one) for one in (certificate, *above))
        )
        return path


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _sign(key, name, issuer, days, *, authority=False, names=()):
    begins, ends = (
        datetime.fromtimestamp(NOW, UTC).replace(microsecond=0) + timedelta(days=day) for day in days
    )
    builder = (
        x509.CertificateBuilder(
            _name(issuer.name), _name(name), key, x509.random_serial_number(), begins, ends
        )
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if names:
        alternatives = [
            x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "Test Root")


def presenting(path, *, version=ssl.TLSVersion.TLSv1_3, clients=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(path)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED

    def serve(connection, done):
        connection.settimeout(5)
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    return accepting(serve)


def look(address, root, *, timeout=5.0, now=NOW, name="a.test", wanted=None, **fields):
    fields.setdefault("ca", str(root.path))
    check = TlsCheck(address=address, server_name=name, **fields)
    return probe(check, timeout=timeout, now=now, wanted=wanted)


def judged(observation):
    return {name: observation.values.get(name) for name in ("valid", "trusted", "host_matches")}


def date(days):
    return time.strftime("%Y-%m-%d", time.gmtime(int(NOW) + days * DAY))


def test_everything_about_a_valid_certificate(root):
    path = root.issue("a.test", "*.b.test", "127.0.0.1")
    certificate = x509.load_pem_x509_certificate(
        path.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2]
    )
    with presenting(path) as address:
        observation = look(address, root)
    values = dict(observation.values)
    latencies = {name: values.pop(name) for name in list(values) if name.startswith("latency")}
    assert values == {
        "valid": True,
        "trusted": True,
        "host_matches": True,
        "expires_in": pytest.approx(90 * DAY, abs=1),
        "chain_expires_in": pytest.approx(90 * DAY, abs=1),
        "version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "issuer": "CN=Test Root",
        "subject": "CN=leaf",
        "names": ["a.test", "*.b.test", "127.0.0.1"],
        "serial": f"{certificate.serial_number:x}",
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(),
    }
    assert observation.failure is None
    assert observation.evidence == {
        "address": "127.0.0.1",
        **{
            name: values[name]
            for name in ("subject", "issuer", "names", "serial", "fingerprint", "version", "cipher")
        },
    }
    assert set(latencies) == {"latency", "latency.dns", "latency.connect", "latency.tls"}
    assert min(latencies.values()) > 0
    assert latencies["latency"] == pytest.approx(sum(observation.phases.values()))


def test_the_host_of_the_address_is_verified_unless_a_name_is_given(root):
    with presenting(root.issue("127.0.0.1")) as address:
        assert judged(look(address, root, name=None)) == {
            "valid": True,
            "trusted": True,
            "host_matches": True,
        }


FAULTS = {
    "expired": (
        {"names": ["a.test"], "days": (-30, -3.5)},
        (False, True, True),
        f"the certificate expired 3 days ago ({date(-3.5)})",
    ),
    "expired today": (
        {"names": ["a.test"], "days": (-30, -0.25)},
        (False, True, True),
        f"the certificate expired 6h ago ({date(-0.25)})",
    ),
    "not yet valid": (
        {"names": ["a.test"], "days": (2, 30)},
        (False, True, True),
        f"the certificate is not valid before {date(2)}",
    ),
    "for others": (
        {"names": ["b.test", "c.test"]},
        (False, True, False),
        "the certificate is for b.test and c.test, not a.test",
    ),
    "for nobody": ({"names": []}, (False, True, False), "the certificate is for no host, not a.test"),
    "self-signed": (
        {"names": ["a.test"], "own": True},
        (False, False, True),
        "the certificate's issuer is not trusted (self-signed)",
    ),
    "self-signed for others": (
        {"names": ["b.test"], "own": True},
        (False, False, False),
        "the certificate's issuer is not trusted (self-signed); the certificate is for b.test, not a.test",
    ),
    "expired and for others": (
        {"names": ["b.test"], "days": (-30, -10.5)},
        (False, True, False),
        f"the certificate is for b.test, not a.test; the certificate expired 10 days ago ({date(-10.5)})",
    ),
}


@pytest.mark.parametrize(("made", "judgement", "words"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_told_from_the_others(root, made, judgement, words):
    days = made.get("days", (-1, 90))
    with presenting(root.issue(*made["names"], days=days, own=made.get("own", False))) as address:
        observation = look(address, root)
    assert tuple(judged(observation).values()) == judgement
    assert observation.failure == Failure(Cause.TLS, words)
    assert observation.values["expires_in"] == pytest.approx(days[1] * DAY, abs=1)
    assert observation.values["names"] == made["names"]
    assert observation.values["version"] == "TLSv1.3"


def test_an_unknown_issuer_is_not_trusted(root, tmp_path):
    other = Authority(tmp_path, "Other Root")
    with presenting(other.issue("a.test")) as address:
        observation = look(address, root)
    assert judged(observation) == {"valid": False, "trusted": False, "host_matches": True}
    words = "the certificate's issuer is not trusted (unable to get local issuer certificate)"
    assert observation.failure == Failure(Cause.TLS, words)


def test_a_certificate_for_others_of_an_unknown_issuer_has_both_faults(root, tmp_path):
    with presenting(Authority(tmp_path, "Other Root").issue("b.test")) as address:
        assert judged(look(address, root)) == {"valid": False, "trusted": False, "host_matches": False}


def test_a_chain_that_expires_before_the_certificate_is_seen(root):
    middle = Authority(root.folder, "Soon", root, days=(-10, 5))
    with presenting(middle.issue("a.test")) as address:
        observation = look(address, root)
    assert judged(observation) == {"valid": True, "trusted": True, "host_matches": True}
    assert observation.values["expires_in"] == pytest.approx(90 * DAY, abs=1)
    assert observation.values["chain_expires_in"] == pytest.approx(5 * DAY, abs=1)


def test_an_expired_certificate_above_makes_the_chain_untrusted(root):
    middle = Authority(root.folder, "Past", root, days=(-10, -5))
    with presenting(middle.issue("a.test")) as address:
        observation = look(address, root)
    assert judged(observation) == {"valid": False, "trusted": False, "host_matches": True}
    assert observation.values["chain_expires_in"] == pytest.approx(-5 * DAY, abs=1)
    words = "a certificate above the server's has expired or is not valid yet"
    assert observation.failure == Failure(Cause.TLS, words)


def test_the_chain_is_only_fetched_where_it_is_wanted(root):
    with presenting(root.issue("a.test")) as address:
        observation = look(address, root, wanted=frozenset({"valid"}))
    assert "chain_expires_in" not in observation.values


def test_without_verifying_the_faults_are_values_and_no_failure(root):
    with presenting(root.issue("b.test", own=True)) as address:
        observation = look(address, root, verify=False)
    assert judged(observation) == {"valid": False, "trusted": False, "host_matches": False}
    assert observation.failure is None
    assert TlsCheck(address="a.test:1", verify=False).expectations() == (("expires_in > 14d",), ())
    assert TlsCheck(address="a.test:1").expectations() == (("valid == true", "expires_in > 14d"), ())


def test_the_time_that_counts_is_the_one_of_the_run(root):
    with presenting(root.issue("a.test", days=(-1, 90))) as address:
        observation = look(address, root, now=NOW + 92 * DAY)
    assert observation.values["valid"] is False
    assert observation.values["expires_in"] == pytest.approx(-2 * DAY, abs=1)
    assert observation.failure == Failure(Cause.TLS, f"the certificate expired 2 days ago ({date(90)})")


def test_what_is_trusted_need_not_be_a_root(root):
    path = root.issue("a.test", own=True)
    with presenting(path) as address:
        assert look(address, root, ca=str(path)).values["valid"] is True


def test_older_versions_are_named(root):
    with presenting(root.issue("a.test"), version=ssl.TLSVersion.TLSv1_2) as address:
        assert look(address, root).values["version"] == "TLSv1.2"


def test_a_client_certificate_is_shown_to_a_server_that_wants_one(root):
    path, own = root.issue("a.test"), root.issue("client.test")
    with presenting(path, version=ssl.TLSVersion.TLSv1_2, clients=root.path) as address:
        observation = look(address, root, certificate=str(own))
        without = look(address, root)
    assert (observation.values["valid"], observation.failure) == (True, None)
    assert observation.values["chain_expires_in"] == pytest.approx(90 * DAY, abs=1)
    assert without.failure is not None
    assert without.failure.cause is Cause.TLS
    assert without.failure.message.startswith("the handshake failed: ")


@pytest.mark.parametrize("field", ["ca", "certificate"])
def test_a_file_that_is_absent_is_a_fault_on_our_side(root, tmp_path, field):
    observation = look("127.0.0.1:1", root, **{field: str(tmp_path / "gone.pem")})
    assert observation.values == {}
    assert observation.failure.cause is Cause.PERMISSION
    assert observation.failure.message.startswith(
        f"the file {tmp_path}/gone.pem cannot be read: No such file or directory; correct `{field}`"
    )


@pytest.mark.parametrize("field", ["ca", "certificate", "key"])
def test_a_pipe_in_place_of_a_file_is_a_fault_on_our_side(root, tmp_path, field):
    pipe(tmp_path / "pipe")
    more = {"certificate": root.issue("a.test")} if field == "key" else {}
    observation = look("127.0.0.1:1", root, **more, **{field: str(tmp_path / "pipe")})
    blamed = "ca" if field == "ca" else "certificate"
    words = f"the file {tmp_path}/pipe is a pipe, which may wait for ever to be written to"
    assert observation.failure == Failure(
        Cause.PERMISSION, f"{words}; name a regular one as `{blamed}`" + " or its key" * (field != "ca")
    )


def test_a_file_that_holds_no_certificate_is_a_fault_on_our_side(root, tmp_path):
    (tmp_path / "odd.pem").write_text("odd")
    failure = look("127.0.0.1:1", root, ca=str(tmp_path / "odd.pem")).failure
    assert failure.cause is Cause.PERMISSION
    assert failure.message.endswith("correct `ca`")


def test_a_key_with_a_password_asks_nobody_for_it(root, tmp_path):
    path = tmp_path / "locked.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        + _pem(_sign(key.public_key(), "client", root, (-1, 90)))
    )
    failure = look("127.0.0.1:1", root, certificate=str(path)).failure
    assert failure.cause is Cause.PERMISSION
    assert failure.message.endswith("correct `certificate` or its key")


def test_a_relative_path_begins_at_the_workspace(root):
    with presenting(root.issue("a.test")) as address:
        check = TlsCheck(address=address, server_name="a.test", ca="Test Root.pem")
        assert probe(check, now=NOW, root=root.folder).values["valid"] is True


def test_a_refused_connection_is_refused(root):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    observation = look(f"127.0.0.1:{port}", root)
    assert (observation.values, observation.failure) == ({}, Failure(Cause.REFUSED, "connection refused"))


def silent(connection, done):
    done.wait(30)


def dripping(connection, done):
    """The start of a long TLS record, byte by byte."""
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while not done.wait(0.02):
        connection.sendall(b"\x02")


@pytest.mark.parametrize("script", [silent, dripping])
def test_a_handshake_that_does_not_end_is_given_up_at_the_deadline(root, script):
    with accepting(script) as address:
        observation = look(address, root, timeout=0.3)
    assert (observation.values, observation.failure) == (
        {},
        Failure(Cause.TIMEOUT, "no handshake within 0.3 s"),
    )
    assert set(observation.phases) == {"dns", "connect"}


def test_a_server_that_goes_silent_after_a_bad_certificate_is_still_known_to_be_invalid(root):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(root.issue("a.test", own=True))
    turns = iter([True])

    def serve(connection, done):
        if next(turns, False):
            context.wrap_socket(connection, server_side=True)
        done.wait(30)

    with accepting(serve) as address:
        # The first handshake has to get through, also on a busy machine.
        observation = look(address, root, timeout=2.0)
    assert observation.values == {"valid": False}
    assert observation.failure == Failure(Cause.TLS, "the certificate is not valid: self-signed certificate")


def test_a_hung_resolver_does_not_outlast_the_deadline(root, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait(30) and [])
    observation = look("slow.test:443", root, timeout=0.1)
    release.set()
    assert observation.failure == Failure(Cause.TIMEOUT, "`slow.test` was not resolved within 0.1 s")


def speaking_plainly(connection, done):
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def closing(connection, done):
    connection.recv(1000)


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (speaking_plainly, Failure(Cause.TLS, "the handshake failed: wrong version number")),
        (hanging_up, Failure(Cause.RESET, "connection reset")),
        (closing, Failure(Cause.TLS, "the handshake failed: the connection was closed")),
    ],
)
def test_what_is_no_tls_is_not_taken_for_it(root, script, failure):
    with accepting(script) as address:
        observation = look(address, root)
    assert (observation.values, observation.failure) == ({}, failure)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"address": "a.test"}, ("address", "`a.test` is not an address; write `host:port`")),
        ({"key": "k.pem"}, ("key", "`key` needs its `certificate`; name both")),
        (
            {"server_name": ".a.test"},
            ("server_name", "`.a.test` is not a host name; write it without the dot"),
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, problem):
    assert list(TlsCheck(**{"address": "a.test:443", **fields}).problems()) == [problem]


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("a.test", "a.test", True),
        ("A.Test", "a.TEST.", True),
        ("a.test", "b.a.test", False),
        ("*.a.test", "b.a.test", True),
        ("*.a.test", "a.test", False),
        ("*.a.test", "c.b.a.test", False),
        ("*.0.0.1", "127.0.0.1", False),
        ("*", "test", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("xn--bcher-kva.test", "bücher.test", True),
    ],
)
def test_names_match_hosts_as_in_rfc_9525(name, host, expected):
    assert matches([name], host) is expected


@given(st.lists(st.text(max_size=20)))
def test_no_name_matches_a_host_that_it_does_not_spell(names):
    assert matches(names, "a.b.test") is any(name.lower() in {"a.b.test", "*.b.test"} for name in names)
