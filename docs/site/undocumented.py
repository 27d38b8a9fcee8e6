#!/usr/bin/env python3
"""Prints the public symbols that have no comment, and fails if there are more
than the number below, which may only become smaller.

    undocumented.py XML_FOLDER

A default, copy or move constructor, a destructor, an assignment, a comparison,
and a function that overrides another one need none.
"""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

ALLOWED = 260

OBVIOUS = re.compile(r"~|operator(=|==|<=>)$")


def has_text(element: xml.Element, *names: str) -> bool:
    return any(
        "".join(child.itertext()).strip()
        for name in names
        for child in element.findall(name)
    )


def is_documented(element: xml.Element) -> bool:
    return has_text(element, "briefdescription", "detaileddescription")


def is_obvious(member: xml.Element, of: str) -> bool:
    name = member.findtext("name")
    if OBVIOUS.match(name) or member.find("reimplements") is not None:
        return True
    if name != re.sub(r"<.*", "", of):
        return False
    types = [
        re.sub(r"const|[&\s]|<.*?>", "", "".join(x.find("type").itertext()))
        for x in member.findall("param")
    ]
    return types in ([], [name])


def symbols(file: Path):
    """Its symbols without a comment: where they are, and what."""
    for of in xml.parse(file).getroot().iter("compounddef"):
        name = of.findtext("compoundname")
        if of.get("kind") not in ("class", "struct", "namespace", "concept", "union"):
            continue
        if of.get("kind") != "namespace" and of.get("prot", "public") != "private":
            if not is_documented(of):
                yield of.find("location"), f"{of.get('kind')} {name}"
        short = name.split("::")[-1]
        for member in of.iter("memberdef"):
            if member.get("prot") == "private" or member.get("kind") == "friend":
                continue
            if not is_documented(member) and not is_obvious(member, short):
                what = name + "::" + member.findtext("name")
                yield member.find("location"), f"{member.get('kind')} {what}"


def main(folder: Path) -> int:
    found = sorted(
        {
            (where.get("file"), int(where.get("line")), what)
            for file in folder.glob("*.xml")
            for where, what in symbols(file)
        }
    )
    if len(found) > ALLOWED:
        for file, line, what in found:
            print(f"include/{file}:{line}: {what}")
        print(f"{len(found)} public symbols have no comment, {ALLOWED} may have none")
        return 1
    if len(found) < ALLOWED:
        print(f"write down in {__file__}: {len(found)} are left")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
