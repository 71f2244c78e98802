"""A report as one HTML file without anything from elsewhere, and as Markdown."""

from __future__ import annotations

from html import escape

from caviar.service.api.report_parts import Block, Code, Document, Paragraph, Picture, Table

SHORT = 20  # characters
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2026; --soft: #5b6472; --line: #d9dee5;
  --back: #fff; --box: #f5f7f9; --s0: #1f6feb; --s1: #c2410c; --s2: #15803d; --s3: #7e22ce; --s4: #a16207; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa4b2; --line: #343b46;
  --back: #14171c; --box: #1c2128; --s0: #6ea8ff; --s1: #ff9463; --s2: #5fce8a; --s3: #c79bff;
  --s4: #e0b450; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 64rem; background: var(--back);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); font-size: 1.2rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.lead { color: var(--soft); }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; min-width: 3.5rem; }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); font-size: .9rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); }
polyline { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.dots { opacity: .6; }
.k0 { fill: var(--s0); } .k1 { fill: var(--s1); } .k2 { fill: var(--s2); } .k3 { fill: var(--s3); }
.k4 { fill: var(--s4); }
.one { white-space: nowrap; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }
.s4 { stroke: var(--s4); }
rect.s0, .dots.s0 { fill: var(--s0); stroke: none; } .dots.s1 { fill: var(--s1); stroke: none; }
pre { overflow-x: auto; padding: .75rem 1rem; background: var(--box); border-radius: 6px; font-size: .85rem; }
@media print { :root { --ink: #000; --soft: #444; --line: #ccc; --back: #fff; --box: #f5f5f5; --s0: #1f6feb;
  --s1: #c2410c; --s2: #15803d; --s3: #7e22ce; --s4: #a16207; }
  body { padding: 0; max-width: none; font-size: 10pt; } h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; } .wide { overflow: visible; } pre { white-space: pre-wrap; }
  table { font-size: 8pt; } td { min-width: 0; } }
"""


def html(document: Document) -> str:
    """Write a report as a page."""
    body = [f"<h1>{escape(document.title)}</h1>", f'<p class="lead">{escape(document.lead)}</p>']
    for section in document.sections:
        body.append(f"<section><h2>{escape(section.title)}</h2>")
        body += map(_html, section.blocks)
        body.append("</section>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _html(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Picture(svg, caption):
            return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
        case Table(rows, names):
            head = "".join(f"<th>{escape(name)}</th>" for name in names)
            lines = ["<tr>" + head + "</tr>"] if names else []
            for row in rows:
                cells = [f"<td{_class(cell)}>{escape(cell)}</td>" for cell in row]
                if not names:
                    cells[0] = f'<th scope="row">{escape(row[0])}</th>'
                lines.append(f"<tr>{''.join(cells)}</tr>")
            return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _class(cell: str) -> str:
    """Keep numbers and short words in one piece."""
    return ' class="one"' if len(cell) <= SHORT else ""


def markdown(document: Document) -> str:
    """Write a report as Markdown; pictures are left to the page."""
    parts = [f"# {_plain(document.title)}", _plain(document.lead)]
    for section in document.sections:
        blocks = [text for block in section.blocks if (text := _markdown(block))]
        if blocks:
            parts += [f"## {_plain(section.title)}", *blocks]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _plain(text)
        case Code(text):
            return "```\n" + text.replace("```", "'''").rstrip("\n") + "\n```"
        case Picture():
            return ""
        case Table(rows, names):
            if not rows:
                return ""
            head = names or ("", "")
            lines = [head, ["---"] * len(head), *rows]
            return "\n".join("| " + " | ".join(_cell(one) for one in line) + " |" for line in lines)


def _plain(text: str) -> str:
    """Return a text in which nothing is taken for Markdown or HTML."""
    one_line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in one_line)


def _cell(text: str) -> str:
    return text if text in ("", "---") else _plain(text)
