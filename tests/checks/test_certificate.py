"""The `certificate` check on real files."""

from __future__ import annotations

import pytest
from certificates import FAR
from checks.probe import NOW, probe

from opsctl.checks.certificate import CertificateCheck
from opsctl.outcome import Cause


def test_a_file_says_what_its_certificates_say(certificates, tmp_path):
    seen = probe(CertificateCheck(path=str(certificates.good.certificate), key=str(certificates.good.key)))
    assert seen.failure is None
    assert seen.values["expires_in"] == FAR.timestamp() - NOW
    assert seen.values["names"] == ["127.0.0.1", "localhost"]
    assert (seen.values["begun"], seen.values["key_matches"], seen.values["count"]) == (True, True, 1)
    assert len(seen.values["fingerprint"]) == 64
    assert tmp_path


def test_the_one_that_expires_first_counts(certificates, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(
        certificates.good.certificate.read_bytes() + certificates.expired.certificate.read_bytes()
    )
    seen = probe(CertificateCheck(path="both.pem"), root=tmp_path)
    assert seen.values["count"] == 2
    assert seen.values["expires_in"] < 0


def test_another_ones_key_does_not_match(certificates):
    check = CertificateCheck(path=str(certificates.good.certificate), key=str(certificates.soon.key))
    assert probe(check).values["key_matches"] is False
    assert check.expectations() == ((*CertificateCheck.EXPECT, "key_matches == true"), ())


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, Cause.MISSING), (b"", Cause.BODY), (b"garbage", Cause.BODY),
     (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Cause.BODY)],
)  # fmt: skip
def test_what_is_no_certificate_is_never_up(tmp_path, content, cause):
    if content is not None:
        (tmp_path / "x.pem").write_bytes(content)
    seen = probe(CertificateCheck(path="x.pem"), root=tmp_path)
    assert (seen.failure.cause, seen.values) == (cause, {})


def test_a_key_that_cannot_be_read_is_told(certificates, tmp_path):
    (tmp_path / "key").write_text("no key")
    check = CertificateCheck(path=str(certificates.good.certificate), key="key")
    assert probe(check, root=tmp_path).failure.message.endswith(
        "its key cannot be read; it has to be PEM without a password"
    )


def test_before_it_begins_it_is_not_valid(certificates):
    seen = probe(CertificateCheck(path=str(certificates.good.certificate)), now=1.0)
    assert seen.values["begun"] is False
