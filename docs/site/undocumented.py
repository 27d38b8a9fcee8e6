#!/usr/bin/env python3
"""Prints the public symbols that have no comment, and fails if there is one.

    undocumented.py XML_FOLDER

A default, copy, move or inherited constructor, a destructor, an assignment, a
comparison, and a function that overrides another one need none; nor does what
the language itself calls of an awaiter or a promise, or a trait's `type`.
"""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

OBVIOUS = re.compile(
    r"~|operator(=|==|<=>| co_await)$|await_(ready|suspend|resume)$|type$|promise_type$"
    r"|(get_return_object|(initial|final)_suspend|return_(value|void)|unhandled_exception)$"
)


def has_text(element: xml.Element, *names: str) -> bool:
    return any(
        "".join(child.itertext()).strip()
        for name in names
        for child in element.findall(name)
    )


def is_documented(element: xml.Element) -> bool:
    return has_text(element, "briefdescription", "detaileddescription")


def is_obvious(member: xml.Element, of: str, bases: set[str]) -> bool:
    name = member.findtext("name")
    if OBVIOUS.match(name) or member.find("reimplements") is not None:
        return True
    own = re.sub(r"<.*", "", of)
    if own == "awaiter" and name == own or name in bases:
        return True
    if name != own:
        return False
    types = [
        re.sub(r"const|[&\s]|<.*?>", "", "".join(x.find("type").itertext()))
        for x in member.findall("param")
    ]
    return types in ([], [name])


def symbols(file: Path):
    """Its symbols without a comment: where they are, and what."""
    for of in xml.parse(file).getroot().iter("compounddef"):
        if of.get("kind") not in ("class", "struct", "namespace", "concept", "union"):
            continue
        if of.get("prot") == "private":
            continue
        name = of.findtext("compoundname")
        if of.get("kind") != "namespace" and not is_documented(of):
            if not re.search(r"<|::awaiter$", name):
                yield of.find("location"), f"{of.get('kind')} {name}"
        short = name.split("::")[-1]
        if short == "awaiter":
            continue
        bases = {
            re.sub(r"<.*", "", x.text).split("::")[-1] for x in of.findall("basecompoundref")
        }
        for member in of.iter("memberdef"):
            if member.get("prot") == "private" or member.get("kind") == "friend":
                continue
            if not is_documented(member) and not is_obvious(member, short, bases):
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
    for file, line, what in found:
        print(f"include/{file}:{line}: {what} has no comment")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
