"""How pip reads each of the texts on stdin: its own parser, as the judge of ours.

Answers with one item a text: null where pip refuses it, else [line, kind, value] for each line.
"""

import json
import sys

from pip._internal.req.req_file import OptionParsingError, get_line_parser, preprocess

parse_line = get_line_parser(None)


def entry(number, line):
    text, options = parse_line(line)
    if text:
        hashes = sorted(f"{name}:{digest}" for name, digests in (options.hashes or {}).items() for digest in digests)
        return [number, "requirement", " ".join([text, *hashes])]
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


sys.stderr = open("/dev/null", "w")  # noqa: SIM115: optparse prints its usage there
json.dump([entries(text) for text in json.load(sys.stdin)], sys.stdout)
