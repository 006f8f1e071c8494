#!/usr/bin/env python3
"""Messages as people and their programs really mail them: make.py FOLDER writes NAME.eml and, in NAME.want, what is to
become of each part, `name: fate` a line, or `refused: words`. Made with the standard library's email, zipfile and zlib."""

import base64, binascii, email.generator, email.policy, io, quopri, struct, sys, zipfile, zlib
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

FOLDER = Path(sys.argv[1])
DEMO = Path(__file__).resolve().parents[2] / "templates/demo"
PDF, JPEG = (DEMO / "letter.pdf").read_bytes(), (DEMO / "parcel.jpg").read_bytes()
TEXT, PAGE = "message text", "pages"
names = set()


def png(width, height, value=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + bytes([value]) * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif(side, data):
    size = struct.pack("<HH", side, side)
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0" + size + b"\0\x02\x02" + data + b"\0;"


def bmp(width, height):
    stride = (width * 3 + 3) // 4 * 4
    data = bytes(stride * height)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 2835, 2835, 0, 0) + data


def big_png(side):
    """White, one bit a pixel: some 100 kB for 900 million pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" + bytes(side // 8)) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf(pages, height=842, content=b"0 0 100 100 re f"):
    kids = " ".join(f"{4 + n} 0 R" for n in range(pages))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
               b"<</Length %d>>stream\n" % len(content) + content + b"\nendstream"]
    objects += [f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 {height}]/Contents 3 0 R>>".encode()] * pages
    out, places = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + written + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + (
        b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out)))


def tnef(text, **files):
    """Outlook's own format (MS-OXTNEF): a text and files."""
    def attribute(level, kind, data):
        return struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) % 65536)

    def unicode_property(kind, value):
        data = (value + "\0").encode("utf-16-le")
        return struct.pack("<IHHII", 1, 0x1F, kind, 1, len(data)) + data + bytes(-len(data) % 4)

    out = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x69003, unicode_property(0x1000, text))
    for name, data in files.items():
        out += attribute(2, 0x69002, bytes(14)) + attribute(2, 0x18010, name[:8].encode() + b"\0")
        out += attribute(2, 0x69005, unicode_property(0x3707, name)) + attribute(2, 0x6800F, data)
    return out


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()


def put(name, message, *want):
    assert name not in names, name
    names.add(name)
    if not isinstance(message, bytes):
        for header, value in (("From", "Anna Example <anna@example.com>"), ("To", "+12125550123@fax.example.com"),
                              ("Subject", name)):
            if header not in message:
                message[header] = value
        message = message.as_bytes(policy=email.policy.SMTP)
    (FOLDER / f"{name}.eml").write_bytes(message)
    (FOLDER / f"{name}.want").write_text("".join(f"{line}\n" for line in want), encoding="utf-8")


def raw(name, body, kind="text/plain; charset=utf-8", *want, encoding="8bit", more=""):
    head = f"From: anna@example.com\r\nTo: +12125550123@fax.example.com\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n"
    head += (f"Content-Type: {kind}\r\n" if kind else "") + f"Content-Transfer-Encoding: {encoding}\r\n{more}\r\n"
    put(name, head.encode() + body, *want)


def mixed(*parts, subtype="mixed"):
    message = MIMEMultipart(subtype)
    for part in parts:
        message.attach(part)
    return message


def file(data, name, kind="octet-stream", disposition="attachment", main="application", cid=None):
    part = MIMEApplication(data, kind)
    part.replace_header("Content-Type", f"{main}/{kind}")
    part.add_header("Content-Disposition", disposition, filename=name)
    if cid:
        part["Content-ID"] = f"<{cid}>"
    return part


def html(text):
    return MIMEText(text, "html", "utf-8")


def plain(text="Please see the attached file.\n"):
    return MIMEText(text, "plain", "utf-8")


ok = f"{TEXT}: {PAGE}"
other = f"{TEXT}: left-out"

# Text in all its charsets and encodings.
raw("plain", b"Hello\r\n", "text/plain", ok)
raw("no-mime", b"Hello\r\n", None, ok)
raw("empty", b"", "text/plain", "refused: no text")
raw("blank", b" \r\n\t\r\n", "text/plain", "refused: no text")
for charset, text in (("iso-8859-1", "Grüße, Señor"), ("windows-1252", "“Fünf” €"), ("windows-1251", "Привет, мир"),
                      ("windows-1250", "Žluťoučký kůň"), ("windows-1253", "Καλημέρα"), ("windows-1255", "שלום עולם"),
                      ("windows-1256", "مرحبا"), ("koi8-r", "Добрый день"), ("iso-2022-jp", "日本語のファクス"),
                      ("shift_jis", "日本語のファクス"), ("euc-kr", "안녕하세요"), ("gb18030", "你好，传真"),
                      ("big5", "傳真測試"), ("utf-16", "Hello in two octets")):
    message = MIMEText("", "plain")
    message.set_payload(base64.encodebytes(text.encode(charset)).decode())
    message.replace_header("Content-Type", f'text/plain; charset="{charset}"')
    message.replace_header("Content-Transfer-Encoding", "base64")
    put(f"charset-{charset}", message, ok, f"says: {text}")
raw("charset-unknown", "Grüße".encode("latin-1"), "text/plain; charset=x-unknown", ok)
raw("charset-wrong", "Grüße".encode("latin-1"), "text/plain; charset=utf-8", ok, "note: no characters of its charset")
raw("charset-none-but-utf8", "Grüße Καλημέρα".encode(), "text/plain", ok)
raw("quoted-printable", quopri.encodestring("Grüße = ein Test\n".encode()), "text/plain; charset=utf-8", ok,
    encoding="quoted-printable")
raw("quoted-printable-broken", b"50 =% off =ZZ =\r\nend=", "text/plain; charset=utf-8", ok, encoding="quoted-printable")
raw("base64-broken", b"SGVsbG8gd29ybGQ*gYmFk!!IGJhc2U2NA", "text/plain; charset=utf-8", ok, encoding="base64")
raw("flowed", b"> A quote that is \r\n> flowed.\r\nAnd my answer \r\nto it.\r\n", "text/plain; format=flowed", ok)
raw("long-line", b"x" * 20000 + b"\r\n", "text/plain", ok)
raw("tabs-and-tables", b"Item\tPrice\r\nFax\t17.00\r\n" * 30, "text/plain", ok)
raw("emoji-and-marks", "👍🏽 é e\u0301 \u202eabc\u202c \u200b".encode(), "text/plain; charset=utf-8", ok)
raw("nul-and-control", b"a\0b\x1b[31mred\x07\r\n", "text/plain", ok)
encoded = binascii.b2a_uu(b"a,b\n1,2\n")
raw("uuencoded", b"See below.\r\nbegin 644 table.csv\r\n" + encoded.rstrip() + b"\r\n`\r\nend\r\n", "text/plain", ok,
    f"table.csv: {PAGE}")

# HTML as programs write it.
put("html-only", html("<h1>Offer</h1><p>For <b>you</b>"), ok)
both = mixed(plain("Hello"), html("<p>Hello</p>"), subtype="alternative")
put("alternative", both, other, ok)
put("alternative-table", mixed(plain("see html"), html("<table><tr><td>Fax<td>17.00</table>" * 3), subtype="alternative"),
    other, ok)
put("html-empty", html("<html><head><title>x</title></head><body></body></html>"), "refused: no text")
put("html-remote", html('<p>Hi<img src="http://192.0.2.1/a.png"><link rel=stylesheet href="http://192.0.2.1/a.css">'), ok)
put("html-tracking", mixed(html('<p>Hi<img src="cid:t">'), file(gif(1, b"\x44\x01"), "t.gif", "gif", "inline", "image", "t"),
    subtype="related"), ok, "t.gif: left-out")
logo = file(png(120, 40), "logo.png", "png", "inline", "image", "logo")
put("signature-logo", mixed(html('<p>Yours<br><img src="cid:logo">'), logo, subtype="related"), ok, "logo.png: embedded")
put("signature-logo-unused", mixed(html("<p>Yours"), file(png(120, 40), "logo.png", "png", "inline", "image", "x"),
    subtype="related"), ok, "logo.png: left-out")
put("photo-inline", mixed(html('<p>Look:<img src="cid:p">'), file(JPEG, "photo.jpg", "jpeg", "inline", "image", "p"),
    subtype="related"), ok, "photo.jpg: embedded")
put("outlook-related", mixed(mixed(plain("Hi"), html('<p class=MsoNormal>Hi<o:p></o:p></p>'), subtype="alternative"),
    file(png(300, 300), "image001.png", "png", "inline", "image", "image001.png@01D"), subtype="related"), other, ok,
    f"image001.png: {PAGE}")
put("apple-mail", mixed(plain("Here it is:"), file(PDF, "letter.pdf", "pdf", "inline"), plain("Sent from my phone")), ok,
    ok, f"letter.pdf: {PAGE}")

# Attachments.
put("pdf", mixed(plain(), file(PDF, "letter.pdf", "pdf")), ok, f"letter.pdf: {PAGE}")
put("pdf-as-octets", mixed(plain(), file(PDF, "letter", "octet-stream")), ok, f"letter: {PAGE}")
put("pdf-alone", file(PDF, "letter.pdf", "pdf"), f"letter.pdf: {PAGE}")
put("pdf-cut-off", mixed(plain(), file(PDF[:40], "letter.pdf", "pdf")), "refused: damaged")
put("name-2231", mixed(plain(), file(PDF, "Überweisung – März.pdf", "pdf")), ok, f"Überweisung – März.pdf: {PAGE}")
for kind, data in (("png", png(300, 200)), ("gif", gif(2, b"\x84\x51")), ("bmp", bmp(300, 200)), ("jpeg", JPEG)):
    put(f"picture-{kind}", mixed(plain(), file(data, f"a.{kind}", kind, main="image")), ok, f"a.{kind}: {PAGE}")
put("picture-wrong-type", mixed(plain(), file(png(300, 200), "a.jpg", "jpeg", main="image")), ok, f"a.jpg: {PAGE}")
svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><circle cx="50" cy="50" r="40"/></svg>'
put("picture-svg", mixed(plain(), file(svg, "a.svg", "svg+xml", main="image")), ok, f"a.svg: {PAGE}")
put("picture-heic", mixed(plain(), file(b"\0\0\0\x18ftypheic", "IMG_1.HEIC", "heic", main="image")), "refused: save it as JPEG")
put("csv", mixed(plain(), file(b"a;b\r\n1;2\r\n", "table.csv", "csv", main="text")), ok, f"table.csv: {PAGE}")
put("empty-attachment", mixed(plain(), file(b"", "nothing.pdf", "pdf")), ok, "nothing.pdf: left-out")
put("word", mixed(plain(), file(archive(**{"[Content_Types].xml": "<x/>"}), "Offer.docx")), "refused: Word document")
put("program", mixed(plain(), file(b"MZ\x90\0", "setup.exe")), "refused: it is a program")
put("video", mixed(plain(), file(b"\0\0\0\x18ftypmp42", "a.mp4", "mp4", main="video")), "refused: video/mp4")
outlook = tnef("What I wrote", **{"letter.pdf": PDF, "table.csv": b"a,b"})
put("tnef", mixed(plain(), file(outlook, "winmail.dat", "ms-tnef")), ok, "winmail.dat: left-out", f"letter.pdf: {PAGE}",
    f"table.csv: {PAGE}")
put("tnef-alone", file(outlook, "winmail.dat", "ms-tnef"), f"winmail.dat: {PAGE}", f"letter.pdf: {PAGE}",
    f"table.csv: {PAGE}")
put("tnef-damaged", mixed(plain(), file(outlook[:-500], "winmail.dat", "ms-tnef")), "refused: what Outlook has put into it")
put("tnef-empty", mixed(plain(), file(outlook[:6], "winmail.dat", "ms-tnef")), ok, "winmail.dat: left-out")
packed = archive(**{"a/letter.pdf": PDF, "notes.txt": b"Notes", "empty.txt": b"", "__MACOSX/x": b"x"})
put("zip", mixed(plain(), file(packed, "all.zip", "zip")), ok, f"all.zip/a/letter.pdf: {PAGE}",
    f"all.zip/notes.txt: {PAGE}", "all.zip/empty.txt: left-out", "all.zip/__MACOSX/x: left-out")
put("zip-in-zip", mixed(plain(), file(archive(**{"in.zip": archive(**{"a.txt": b"A"})}), "out.zip", "zip")), ok,
    f"out.zip/in.zip/a.txt: {PAGE}")
put("zip-empty", mixed(plain(), file(b"PK\x05\x06" + bytes(18), "none.zip", "zip")), "refused: none.zip")
put("zip-damaged", mixed(plain(), file(packed[:60], "all.zip", "zip")), "refused: archive is damaged")
put("zip-program", mixed(plain(), file(archive(**{"run.exe": b"MZ\x90"}), "a.zip", "zip")), "refused: it is a program")

# Messages in messages, signatures, ciphertext.
inner = EmailMessage()
inner["From"], inner["To"], inner["Subject"] = "Bob <bob@example.com>", "anna@example.com", "The original"
inner.set_content("What Bob wrote.\n")
inner.add_attachment(PDF, maintype="application", subtype="pdf", filename="bob.pdf")
put("forwarded", mixed(plain("FYI"), MIMEMessage(inner)), ok, f"forwarded message: {PAGE}", ok, f"bob.pdf: {PAGE}")
signature = file(b"-----BEGIN PGP SIGNATURE-----", "signature.asc", "pgp-signature")
put("pgp-signed", mixed(plain("Signed"), signature, subtype="signed"), ok, "signature.asc: left-out")
put("smime-signed", mixed(plain("Signed"), file(b"0\x80", "smime.p7s", "pkcs7-signature"), subtype="signed"), ok,
    "smime.p7s: left-out")
put("pgp-encrypted", mixed(file(b"Version: 1", "v.asc", "pgp-encrypted"), file(b"-----", "e.asc"), subtype="encrypted"),
    "refused: encrypted")
put("smime-encrypted", file(b"0\x80", "smime.p7m", "pkcs7-mime"), "refused: encrypted")
put("calendar", mixed(plain("Meeting"), MIMEText("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "calendar", "utf-8")), ok, ok)
report = mixed(plain("Could not deliver."), MIMEText("Reporting-MTA: dns; x\n", "delivery-status"), subtype="report")
put("bounce", report, ok, ok)

# Broken structure: what cannot be told apart is faxed as the text that it is, or refused, and never lost.
raw("boundary-missing", b"--wrong\r\n\r\nHello\r\n", "multipart/mixed", f"attachment: {PAGE}")
raw("boundary-never-ends", b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: text/plain\r\n\r\nThere",
    'multipart/mixed; boundary="b"', ok, ok)
raw("boundary-like-text", b"--b\r\n\r\nHello\r\n-b is no boundary\r\n--b--\r\nepilogue", 'multipart/mixed; boundary="b"', ok)
raw("header-cut", b"", None, "refused: no text", more="X-Broken\r\n")
deep = plain("deep")
for _ in range(40):
    deep = mixed(deep)
put("deep", deep, "refused: levels of parts")
put("many-parts", mixed(*(plain(str(n)) for n in range(300))), "refused: more than 200 parts")

# What must not be swallowed: each is cut or refused by a limit that is named.
put("bomb-picture", mixed(plain(), file(big_png(30_000), "big.png", "png", main="image")), "refused: 30000 × 30000 pixels")
inner = archive(**{"zeros": bytes(40 << 20)})
put("bomb-zip", mixed(plain(), file(archive(**{f"{n}.zip": inner for n in range(9)}), "all.zip", "zip")),
    "refused: bytes in its archives")
nest = archive(**{"a.txt": b"A"})
for _ in range(15):
    nest = archive(**{"in.zip": nest})
put("bomb-zip-nested", mixed(plain(), file(nest, "out.zip", "zip")), "refused: levels of parts")
put("bomb-pdf-pages", mixed(plain(), file(pdf(5000), "many.pdf", "pdf")), "refused: more than 200 pages")
put("bomb-pdf-kilometre", mixed(plain(), file(pdf(1, height=2_834_645), "long.pdf", "pdf")), ok, f"long.pdf: {PAGE}")
curves = b"0 0 m " + b" ".join(b"%d %d %d %d %d %d c" % tuple(n * k % 600 for k in (7, 13, 17, 19, 23, 29))
    for n in range(400_000)) + b" S"
put("bomb-pdf-curves", mixed(plain(), file(pdf(1, content=curves), "slow.pdf", "pdf")), "refused: slow.pdf")
put("bomb-html-nested", html("<table><tr><td>" * 100_000 + "x"), ok)
put("bomb-html-tables", html("<table><tr><td>x</td></tr></table>" * 50_000), "refused: more than 200 pages")
put("bomb-messages", b"Content-Type: message/rfc822\r\n\r\n" * 10_000 + b"Subject: deep\r\n\r\nx", "refused:")
raw("bomb-svg", b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">%s]><svg xmlns="http://www.w3.org/2000/svg">
<text>&l9;</text></svg>""" % b"".join(b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1) if n else b"&a;") * 10)
    for n in range(10)), "image/svg+xml", "refused: drawing")
print(len(names))
