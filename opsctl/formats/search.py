"""What a search found, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.prose import count, line, shorten
from opsctl.store.search_index import BEGIN, END

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.formats import Output
    from opsctl.searching import Found, Similar
    from opsctl.store.search_index import Match


def write(found: Found, output: str, timezone: str, out: Output) -> str:
    """The hits, the best first; `output` is text or json."""
    if output == "json":
        document = {
            "total": found.total,
            "widened": found.widened,
            "hits": [_data(one) for one in found.hits],
        }
        return json_text(document)
    return "".join(f"{text}\n" for one in found.hits for text in _lines(one, timezone, out))


def remarks(found: Found) -> str:
    """What is to be known beside the hits, for people; nothing where they say all."""
    if not found.hits:
        return "nothing was found\n"
    said = "nothing holds all of the words; this holds some\n" if found.widened else ""
    if found.total > len(found.hits):
        hits = count("hit", found.total)
        said += f"the best {len(found.hits)} of {hits}; `--limit {found.total}` shows all\n"
    return said


def similar_lines(found: tuple[Similar, ...], timezone: str) -> Iterator[str]:
    """The incidents of the past that are most like one, a line each."""
    for one in found:
        ended = f": {shorten(line(one.ended), 100)}" if one.ended else ""
        yield f"similar: {one.subject}, {zoned(one.at, timezone)[:10]}, {line(one.title)}{ended}"


def _lines(one: Match, timezone: str, out: Output) -> Iterator[str]:
    place = f"{one.source}:{one.line}" if one.line else one.source
    day = zoned(one.at, timezone)[:10]
    snippet = line(_marked(one.snippet, "", ""))
    if out.width is None:
        yield "\t".join((line(place), one.kind, day, _title(one), snippet, line(one.status))).rstrip("\t")
        return
    status = f"  ({line(one.status)})" if one.status else ""
    title = shorten(f"{line(place)}  {_title(one)}", out.width - 12 - len(status))
    yield f"{_bold(title, out)}{status}  {day}"
    if snippet:
        text = shorten(snippet, out.width - 4)
        yield "    " + (
            _marked(_cut(one.snippet, out.width - 4), "\x1b[1m", "\x1b[0m") if out.colour else text
        )


def _title(one: Match) -> str:
    """The title, after those of the sections that it is part of."""
    return line(f"{one.above} > {one.title}" if one.above else one.title)


def _cut(snippet: str, room: int) -> str:
    """The snippet in one line, cut to so many characters beside its marks."""
    parts, shown = [], 0
    for char in snippet.replace("\n", " ").replace("\t", " "):
        shown += char not in {BEGIN, END}
        if shown <= room:
            parts.append(char)
    return "".join(parts) + (END if parts.count(BEGIN) > parts.count(END) else "")


def _bold(text: str, out: Output) -> str:
    return f"\x1b[1m{text}\x1b[0m" if out.colour else text


def _marked(snippet: str, begin: str, end: str) -> str:
    return snippet.replace(BEGIN, begin).replace(END, end)


def _data(one: Match) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "source": clean(one.source),
        "line": one.line or None,
        "above": clean(one.above) or None,
        "title": clean(one.title),
        "status": clean(one.status) or None,
        "snippet": clean(_marked(one.snippet, "", "")),
        "at": moment(one.at),
        "score": round(-one.score, 3),
    }
