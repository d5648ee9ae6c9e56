"""Content credentials are told as the file states them, from a limited process, and nothing is fetched."""

from __future__ import annotations

import io
import json
import random
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from lineament.errors import DecoderUnavailable
from lineament.vision import credentials
from lineament.vision.credentials import read_credentials
from lineament.vision.texts import TEXTS_BYTES_MAX
from tests.samples import CONGRESS
from tests.vision.damaged import encoded

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
PORTRAIT = (CONGRESS / "abigail-spanberger.jpg").read_bytes()


def name(common: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, "The Archive"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def certificate(
    common: str, key: ec.EllipticCurvePrivateKey, root: ec.EllipticCurvePrivateKey, is_root: bool
) -> bytes:
    """Return a certificate in PEM, as C2PA asks for it, for a key by a root."""
    now = datetime.now(UTC)
    others = ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    usage = dict.fromkeys([*others, "encipher_only", "decipher_only"], False)
    builder = (
        x509.CertificateBuilder(name("The root"), name(common), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(x509.BasicConstraints(is_root, None), critical=True)
        .add_extension(
            x509.KeyUsage(not is_root, key_cert_sign=is_root, crl_sign=is_root, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
    )
    if not is_root:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(usages, critical=False)
    return builder.sign(root, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def signer() -> c2pa.C2paSignerInfo:
    """A photographer's key and certificate (ES256), made now, and the root that nobody has heard of."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = certificate("A. Photographer", key, root, False) + certificate("The root", root, root, True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, pem, None)


def signed(
    signer: c2pa.C2paSignerInfo, data: bytes, media_type: str, title: str = "A portrait", remote: str = ""
) -> bytes:
    """Return a file with credentials; where an address is given, they are said to be there instead."""
    actions = [{"action": "c2pa.created", "digitalSourceType": CAPTURE}, {"action": "c2pa.cropped"}]
    manifest = {
        "claim_generator_info": [{"name": "A camera", "version": "1.0"}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
    out = io.BytesIO()
    with c2pa.Signer.from_info(signer) as pen, c2pa.Builder(json.dumps(manifest)) as builder:
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(pen, media_type, io.BytesIO(data), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_what_the_file_says_is_told(signer: c2pa.C2paSignerInfo, kind: str) -> None:
    """Who signed, with what it was made, what was done to it, and that nobody vouches for the signer."""
    media_type = f"image/{kind.lower()}"
    with Image.open(io.BytesIO(PORTRAIT)) as portrait:
        told = read_credentials(signed(signer, encoded(portrait, kind), media_type), media_type)
    assert told == {
        "c2pa:validation": "valid; not checked against a trust list",
        "c2pa:signer": "A. Photographer, The Archive",
        "c2pa:claim_generator": "A camera 1.0",
        "c2pa:title": "A portrait",
        "c2pa:actions": "c2pa.created, c2pa.cropped",
        "c2pa:digital_source_type": CAPTURE,
    }


def test_a_change_after_signing_is_told(signer: c2pa.C2paSignerInfo) -> None:
    """One bit of the picture is enough; what was signed is told all the same, as what it is."""
    data = bytearray(signed(signer, PORTRAIT, "image/jpeg"))
    data[-2000] ^= 1
    told = read_credentials(bytes(data), "image/jpeg")
    assert told["c2pa:validation"] == (
        "invalid (assertion.dataHash.mismatch); not checked against a trust list"
    )
    assert told["c2pa:title"] == "A portrait"


def test_a_photograph_without_credentials_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordinary photographs cost nothing."""
    monkeypatch.setattr(credentials, "worker_command", lambda *_: ("/nowhere/python",))
    assert read_credentials(PORTRAIT, "image/jpeg") == {}
    with pytest.raises(DecoderUnavailable):
        read_credentials(PORTRAIT + b"jumb c2pa", "image/jpeg")


def test_a_photograph_that_only_looks_signed_says_nothing() -> None:
    """The words may stand in any file."""
    assert read_credentials(PORTRAIT + b"jumb c2pa", "image/jpeg") == {}


def test_without_the_extra_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, signer: c2pa.C2paSignerInfo
) -> None:
    """It is a matter of what is installed, and no error."""
    data = signed(signer, PORTRAIT, "image/jpeg")
    monkeypatch.setattr(credentials, "find_spec", lambda _name: None)
    assert read_credentials(data, "image/jpeg") == {}


def test_texts_are_plain_and_short(signer: c2pa.C2paSignerInfo) -> None:
    """A title of a million letters with a terminal's commands in it becomes one line of 500."""
    title = "\x1b[31mred\n" + "x" * 1_000_000
    told = read_credentials(signed(signer, PORTRAIT, "image/jpeg", title), "image/jpeg")
    assert told["c2pa:title"] == ("[31mred " + "x" * 500)[:500]
    assert told["c2pa:signer"] == "A. Photographer, The Archive"


def test_nothing_is_fetched(signer: c2pa.C2paSignerInfo) -> None:
    """The library would ask the address that a file names; the limited process does not."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/c2pa/jumb"
        data = signed(signer, PORTRAIT, "image/jpeg", remote=address)
        assert read_credentials(data, "image/jpeg") == {"c2pa:validation": "not readable"}
        assert asked == []
        with pytest.raises(c2pa.C2paError):
            c2pa.Reader("image/jpeg", io.BytesIO(data))
        answering.join()
    assert asked[0].startswith(b"GET /c2pa/jumb")


def test_damaged_credentials_harm_nobody(signer: c2pa.C2paSignerInfo) -> None:
    """Seeded damage to the signed part: told as invalid, as not readable, or not at all."""
    whole = signed(signer, PORTRAIT, "image/jpeg")
    start, end = whole.index(b"jumb"), whole.rindex(b"c2pa")
    told = []
    for number in range(40):
        chance = random.Random(number)  # noqa: S311 - seeded on purpose
        data = bytearray(whole)
        for _ in range(chance.choice((1, 4, 40))):
            data[chance.randrange(start, end)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        told.append(read_credentials(bytes(data), "image/jpeg"))
        assert sum(len(text.encode()) for text in told[-1].values()) <= TEXTS_BYTES_MAX
    assert not [one for one in told if one.get("c2pa:validation", "").startswith("valid")]
    assert [one for one in told if one.get("c2pa:validation", "").startswith("invalid")]


@pytest.mark.parametrize(
    "program",
    [
        "sys.stdin.buffer.read()",
        "sys.exit(1)",
        "sys.stdout.buffer.write(b'\\0\\x0dGPS\\tsomewhere\\n'); sys.stdout.flush(); sys.stdin.buffer.read()",
    ],
    ids=["it stalls", "it ends", "it answers nonsense"],
)
def test_a_process_that_fails_costs_the_credentials_only(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """The photograph itself may be taken in."""
    start = "import sys; sys.stdout.buffer.write(b'R'); sys.stdout.flush(); "
    monkeypatch.setattr(
        credentials, "worker_command", lambda *_: (sys.executable, "-I", "-c", start + program)
    )
    monkeypatch.setattr(credentials, "WALL_SECONDS", 0.5)
    assert read_credentials(b"jumb c2pa", "image/jpeg") == {"c2pa:validation": "not readable"}


def test_the_library_is_not_loaded_where_photographs_are_stored() -> None:
    """What parses untrusted bytes is in the limited process alone."""
    probe = "import sys, lineament.vision.credentials; print('c2pa' in sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
