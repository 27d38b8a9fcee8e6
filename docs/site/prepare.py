#!/usr/bin/env python3
"""Writes the pages of the site into a folder: those of docs/, the README as
the first one, the examples, and a page of reference for each public header.

    prepare.py REPOSITORY XML_FOLDER FOLDER

XML_FOLDER has what Doxygen has read.
"""

import os
import re
import shutil
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

# The pages of docs/ in the order in which one reads them.
PAGES = [
    "guide", "recipes", "coming-from", "operating", "observer", "semantics", "architecture",
    "performance",
]

# What a header has beside its classes.
SECTIONS = "define enum typedef var func"


def link_to(path: str) -> str:
    """Where a link to a file of the repository leads on the site, or ""."""
    parts = path.split("/")
    if parts[0] == "docs":
        return "/".join(parts[1:])  # a page, a picture, or a file to download
    if parts[0] == "examples":
        return f"examples/{Path(parts[1]).stem}.md" if len(parts) > 1 else "examples/index.md"
    return ""


def adapted(text: str, folder: str) -> str:
    """A page of a folder of the repository, with links that work on the site."""
    depth = folder.count("/")  # of the page, on the site

    def replace(match: re.Match) -> str:
        words, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path = os.path.normpath(os.path.join(folder, target))
        there = link_to(path)
        return f"{words}({'../' * depth}{there})" if there else words.strip("![]")

    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    parts[::2] = [
        re.sub(r"(!?\[[^\]]*\])\(([^)\s]*)\)", replace, x) for x in parts[::2]
    ]
    return "".join(parts)


def page(where: Path, title: str, *blocks: str) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_text("\n\n".join([f"# {title}", *blocks]) + "\n")


def toctree(*names: str, caption: str = "", hidden: bool = False) -> str:
    options = f":caption: {caption}\n" if caption else ""
    options += ":hidden:\n" if hidden else ""
    return "```{toctree}\n" + options + "\n" + "\n".join(names) + "\n```"


def listed(file: Path) -> str:
    """A page, with the pages that its list links to below it."""
    text = file.read_text()
    below = re.findall(r"^- \[.*\]\((\S*)\.md\)$", text, flags=re.M)
    return text + "\n" + toctree(*below, hidden=True)


def write_examples(repo: Path, out: Path) -> None:
    names = []
    root = repo / "examples"
    for what in sorted(root.iterdir()):
        files = (
            sorted(what.rglob("*.[ch]pp")) if what.is_dir()
            else [what] if what.suffix == ".cpp" else []
        )
        if not files:
            continue
        names.append(what.stem)
        blocks = []
        for file in files:
            blocks.append(f"## {file.relative_to(root)}")
            blocks.append(f"```cpp\n{file.read_text().rstrip()}\n```")
        page(out / f"examples/{what.stem}.md", f"examples/{what.name}", *blocks)
    page(
        out / "examples/index.md", "Examples",
        "Whole programs, which are compiled, run and checked by the tests.",
        toctree(*names),
    )


def classes_of(read: xml.Element, header: Path) -> dict[str, str]:
    """The classes that a header defines, none that lies in another one: what
    each is, "class" or "struct", by its name.
    """
    found = {
        x.text: re.match("class|struct", x.get("refid"))[0]
        for file in read.iter("compounddef")
        if file.find("location").get("file") == str(header)
        for x in file.findall("innerclass")
        if "<" not in x.text and x.get("prot") == "public"
    }
    return {x: y for x, y in found.items() if x.rpartition("::")[0] not in found}


def write_reference(repo: Path, read: Path, out: Path) -> None:
    include = repo / "include"
    files = xml.Element("all")
    for file in read.glob("*_8hpp.xml"):
        files.extend(xml.parse(file).getroot())
    groups = {"": "Workers and supervisors"}
    groups |= {x: f"Component {x}" for x in ("cluster", "durable", "observer")}
    trees = []
    for folder, title in groups.items():
        headers = sorted((include / "troupe" / folder).glob("*.hpp"))
        names = []
        for header in headers:
            path = header.relative_to(include)
            name = f"{folder}_{header.stem}" if folder else header.stem
            names.append(name)
            page(
                out / f"reference/{name}.md", header.name,
                f"```cpp\n#include <{path}>\n```",
                *(
                    f"```{{doxygen{kind}}} {x}\n:members:\n:protected-members:\n```"
                    for x, kind in classes_of(files, path).items()
                ),
                f"```{{doxygenfile}} {path}\n:sections: {SECTIONS}\n```",
            )
        if names:
            trees.append(toctree(*names, caption=title))
    page(
        out / "reference/index.md", "Reference",
        "One page for each header that users include. `troupe/troupe.hpp` has "
        "all of them but the components and `troupe/testing.hpp`.",
        *trees,
    )


def main(repo: Path, read: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(repo / "docs", out, ignore=shutil.ignore_patterns("site"))
    for file in out.rglob("*.md"):
        folder = "docs" / file.parent.relative_to(out)
        file.write_text(adapted(file.read_text(), str(folder)))
    guide = out / "guide.md"
    guide.write_text(listed(guide))
    readme = adapted((repo / "README.md").read_text(), "")
    (out / "index.md").write_text(
        readme + "\n"
        + toctree(*PAGES, "examples/index", "reference/index", hidden=True)
        + "\n"
    )
    write_examples(repo, out)
    write_reference(repo, read, out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
