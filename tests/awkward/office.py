#!/usr/bin/python3
"""Office documents by several hands: office.py FOLDER writes those of python-docx, openpyxl and odfpy, and the rest as
LibreOffice saves them. Each says a word of its own. office.py FOLDER some writes a few. office.py FOLDER hostile PORT SECRET writes what tries to run a macro,
and what points at the file SECRET and at the web server at PORT."""

import subprocess, sys, zipfile
from pathlib import Path

FOLDER = Path(sys.argv[1])


def convert(source, kind):
    profile = f"-env:UserInstallation=file://{FOLDER}/profile"
    subprocess.run(["soffice", profile, "--headless", "--convert-to", kind, "--outdir", FOLDER, source], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def letter(name, word):
    import docx
    document = docx.Document()
    document.add_heading(f"Letter about the {word}", 1)
    document.add_paragraph(f"The {word} was delivered on Monday.")
    table = document.add_table(rows=2, cols=2)
    table.cell(0, 0).text, table.cell(1, 1).text = "Item", "Price"
    document.save(FOLDER / name)


def sheet(name, word):
    import openpyxl
    book = openpyxl.Workbook()
    book.active.append([f"Costs of the {word}", "Amount"])
    book.active.column_dimensions["A"].width = 40
    for row in range(1, 9):
        book.active.append([f"Part {row}", row * 100])
    book.active["B11"] = "=SUM(B2:B9)"
    book.save(FOLDER / name)


def slides(name, word):
    from odf.draw import Frame, Page, TextBox
    from odf.opendocument import OpenDocumentPresentation
    from odf.style import GraphicProperties, MasterPage, PageLayout, PageLayoutProperties, Style
    from odf.text import P
    document = OpenDocumentPresentation()
    layout = PageLayout(name="layout")
    layout.addElement(PageLayoutProperties(pagewidth="28cm", pageheight="21cm", printorientation="landscape"))
    document.automaticstyles.addElement(layout)
    master = MasterPage(name="master", pagelayoutname=layout)
    document.masterstyles.addElement(master)
    page = Page(masterpagename=master)
    # LibreOffice would fill the box with blue.
    clear = Style(name="clear", family="graphic")
    clear.addElement(GraphicProperties(fill="none", stroke="none"))
    document.automaticstyles.addElement(clear)
    frame = Frame(width="20cm", height="5cm", x="3cm", y="3cm", stylename=clear)
    box = TextBox()
    box.addElement(P(text=f"Plan for the {word}"))
    frame.addElement(box)
    page.addElement(frame)
    document.presentation.addElement(page)
    document.save(FOLDER / name)


def friendly():
    letter("letter.docx", "garden")
    sheet("costs.xlsx", "river")
    slides("plan.odp", "mountain")
    for kind, word in (("odt", "window"), ("rtf", "street"), ("doc", "paper")):
        letter(f"{word}.docx", word)
        convert(FOLDER / f"{word}.docx", kind)
    for kind, word in (("ods", "summer"), ("xls", "winter")):
        sheet(f"{word}.xlsx", word)
        convert(FOLDER / f"{word}.xlsx", kind)
    for kind, word in (("pptx", "pencil"), ("ppt", "teacher")):
        slides(f"{word}.odp", word)
        convert(FOLDER / f"{word}.odp", kind)
    (FOLDER / "table.csv").write_text("School;Count\r\nNorth;12\r\n")
    (FOLDER / "table.tsv").write_text("Invoice\tCount\r\nNorth\t12\r\n")


FLAT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0"
 xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ooo="http://openoffice.org/2004/office"
 xmlns:dom="http://www.w3.org/2001/xml-events" office:version="1.2"
 office:mimetype="application/vnd.oasis.opendocument.text">
<office:scripts><office:script script:language="ooo:Basic"><ooo:libraries><ooo:library-embedded ooo:name="Standard">
<ooo:module ooo:name="Module1"><ooo:source-code>Sub Main
ThisComponent.Text.setString("macro began")
End Sub</ooo:source-code></ooo:module></ooo:library-embedded></ooo:libraries></office:script>
<office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="dom:load" xlink:type="simple"
 xlink:href="vnd.sun.star.script:Standard.Module1.Main?language=Basic&amp;location=document"/></office:event-listeners>
</office:scripts>
<office:body><office:text><text:p>Quiet letter</text:p></office:text></office:body></office:document>"""


def hostile(port, secret):
    (FOLDER / "macro.fodt").write_text(FLAT)
    convert(FOLDER / "macro.fodt", "odt")
    letter("plain.docx", "garden")
    picture = ('<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml" style="width:300pt;height:100pt">'
               '<v:imagedata r:id="rIdX%d"/></v:shape></w:pict></w:r></w:p>')
    relation = ('<Relationship Id="rIdX%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" '
                'Target="%s" TargetMode="External"/>')
    targets = [f"http://127.0.0.1:{port}/docx.png", f"file://{secret}"]
    with zipfile.ZipFile(FOLDER / "plain.docx") as old, zipfile.ZipFile(FOLDER / "links.docx", "w") as new:
        for name in old.namelist():
            data = old.read(name).decode() if name.endswith((".xml", ".rels")) else old.read(name)
            if name == "word/document.xml":
                data = data.replace("<w:body>", "<w:body>" + "".join(picture % n for n in range(len(targets))))
            if name == "word/_rels/document.xml.rels":
                links = "".join(relation % (n, target) for n, target in enumerate(targets))
                data = data.replace("</Relationships>", links + "</Relationships>")
            new.writestr(name, data)
    from odf.draw import Frame, Image
    from odf.opendocument import OpenDocumentSpreadsheet, OpenDocumentText
    from odf.table import Table, TableCell, TableRow
    from odf.text import P, Section, SectionSource
    text = OpenDocumentText()
    text.text.addElement(P(text="Links below"))
    for number, target in enumerate([f"http://127.0.0.1:{port}/odt.txt", f"file://{secret}", "file:///etc/passwd"]):
        section = Section(name=f"s{number}")
        section.addElement(SectionSource(href=target))
        section.addElement(P(text="nothing here"))
        text.text.addElement(section)
    paragraph, frame = P(), Frame(width="5cm", height="5cm", anchortype="paragraph")
    frame.addElement(Image(href=f"http://127.0.0.1:{port}/odt.png", type="simple", show="embed", actuate="onLoad"))
    paragraph.addElement(frame)
    text.text.addElement(paragraph)
    text.save(FOLDER / "links.odt")
    book = OpenDocumentSpreadsheet()
    table, row = Table(name="one"), TableRow()
    for formula in (f'of:=WEBSERVICE("http://127.0.0.1:{port}/ods")', f"of:='file://{secret}'#$Sheet1.A1"):
        cell = TableCell(formula=formula, valuetype="string", stringvalue="unknown")
        cell.addElement(P(text="unknown"))
        row.addElement(cell)
    table.addElement(row)
    book.spreadsheet.addElement(table)
    book.save(FOLDER / "links.ods")


def large(name):
    """A small file of three hundred million cells."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    book, table, row = OpenDocumentSpreadsheet(), Table(name="one"), TableRow(numberrowsrepeated=1_000_000)
    row.addElement(TableCell(valuetype="float", value=7, numbercolumnsrepeated=300))
    table.addElement(row)
    book.spreadsheet.addElement(table)
    book.save(FOLDER / name)


if sys.argv[2:] == ["some"]:
    letter("letter.docx", "garden")
    sheet("costs.xlsx", "river")
    large("large.ods")
elif len(sys.argv) > 2:
    hostile(int(sys.argv[3]), sys.argv[4])
else:
    friendly()
