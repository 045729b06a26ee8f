"""How pip reads each of the texts on stdin: its own parser, as the judge of ours.

Answers with one item a text: null where pip refuses it, else [line, kind, value] for each line.
"""

import contextlib
import io
import json
import sys

from pip._internal.req.req_file import OptionParsingError, get_line_parser, preprocess

parse_line = get_line_parser(None)


def entry(number, line):
    text, options = parse_line(line)
    if text:
        hashes = sorted(f"{name}:{digest}" for name, digests in (options.hashes or {}).items() for digest in digests)
        return [number, "requirement", " ".join([text.strip(), *hashes])]
    if options.editables:
        return [number, "editable", options.editables[0]]
    if options.requirements:
        return [number, "requirements", options.requirements[0]]
    if options.constraints:
        return [number, "constraints", options.constraints[0]]
    return [number, "options", line]


def entries(text):
    try:
        return [entry(number, line) for number, line in preprocess(text)]
    except OptionParsingError:
        return None


# optparse prints its usage there.
with contextlib.redirect_stderr(io.StringIO()):
    read = [entries(text) for text in json.load(sys.stdin)]
json.dump(read, sys.stdout)
