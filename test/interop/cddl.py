# SPDX-License-Identifier: BSD-3-Clause
"""As much of CDDL (RFC 8610) as this project's .cddl files use: whether a decoded item matches a rule."""

import re

import cbor2

TOKEN = re.compile(r"""\s*(?:(?P<comment>;[^\n]*)|(?P<text>"[^"]*")|(?P<hex>h'[0-9a-f]*')|(?P<tag>\#6\.\d+)
    |(?P<range>-?\d+\.\.-?\d+)|(?P<occurs>\d+\*\d*|\*(?=\s))|(?P<number>-?\d+)|(?P<control>\.[a-z]+)
    |(?P<name>[A-Za-z][A-Za-z0-9-]*)|(?P<arrow>=>)|(?P<symbol>[=/()\[\]{}:,?]))""", re.VERBOSE)
PRELUDE = {"uint": lambda v: type(v) is int and v >= 0, "bstr": lambda v: isinstance(v, bytes),
           "tstr": lambda v: isinstance(v, str), "null": lambda v: v is None, "true": lambda v: v is True, "any": lambda v: True}


def tokens_of(text):
    at, found = 0, []
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not understood: {text[at:at + 40]!r}")
        if match.lastgroup != "comment":
            found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class Schema:
    """The rules of some files; types are functions from a value to whether it matches."""

    def __init__(self, *paths):
        self.rules, self.tokens, self.at = {}, [], 0
        for path in paths:
            self.tokens, self.at = tokens_of(path.read_text()) + [("end", "")], 0
            while self.peek()[0] != "end":
                name = self.take("name")
                self.take("symbol", "=")
                self.rules[name] = self.type()

    def matches(self, rule, value):
        return self.rules[rule](value)

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self, kind, text=None):
        found = self.peek()
        if found[0] != kind or text not in (None, found[1]):
            raise ValueError(f"{text or kind} expected, not {found[1]!r}")
        self.at += 1
        return found[1]

    def next_is(self, text, ahead=0):
        return self.peek(ahead) in (("symbol", text), ("arrow", text))

    def type(self):
        choices = [self.one()]
        while self.next_is("/"):
            self.at += 1
            choices.append(self.one())
        return lambda v: any(choice(v) for choice in choices)

    def one(self):
        base = self.base()
        if self.peek()[0] != "control":
            return base
        control = self.take("control")
        if control == ".cbor":
            inner = self.one()
            return lambda v: base(v) and inner(cbor2.loads(v))
        if control == ".regexp":
            pattern = re.compile(self.take("text")[1:-1])
            return lambda v: base(v) and pattern.fullmatch(v) is not None
        size = self.one()
        return lambda v: base(v) and size(len(v.encode() if isinstance(v, str) else v))

    def base(self):
        kind, text = self.peek()
        self.at += 1
        if kind == "name":
            return PRELUDE.get(text) or (lambda v: self.rules[text](v))
        if kind == "number":
            return lambda v: type(v) is int and v == int(text)
        if kind == "range":
            low, high = map(int, text.split(".."))
            return lambda v: type(v) is int and low <= v <= high
        if kind == "text":
            return lambda v: v == text[1:-1]
        if kind == "hex":
            return lambda v: v == bytes.fromhex(text[2:-1])
        if kind == "tag":
            self.take("symbol", "(")
            inner = self.type()
            self.take("symbol", ")")
            return lambda v: isinstance(v, cbor2.CBORTag) and v.tag == int(text[3:]) and inner(v.value)
        if text == "(":
            inner = self.type()
            self.take("symbol", ")")
            return inner
        if text in "[{":
            entries = self.entries("]" if text == "[" else "}")
            return (lambda v: isinstance(v, (list, tuple)) and in_array(entries, list(v))) if text == "[" else (
                lambda v: isinstance(v, dict) and in_map(entries, v))
        raise ValueError(f"a type expected, not {text!r}")

    def entries(self, end):
        """(least, most, key or None, type) for each entry of a group."""
        found = []
        while not self.next_is(end):
            least, most = 1, 1
            if self.peek()[0] == "occurs":
                low, _, high = self.take("occurs").partition("*")
                least, most = int(low or 0), int(high) if high else 1 << 30
            elif self.next_is("?"):
                self.at += 1
                least = 0
            key = None
            if self.peek()[0] == "name" and self.next_is(":", 1):
                self.at += 2
            elif self.next_is("=>", 1):
                key = int(self.take("number"))
                self.at += 1
            found.append((least, most, key, self.type()))
            if self.next_is(","):
                self.at += 1
        self.take("symbol", end)
        return found


def in_array(entries, items):
    for least, most, _, matches in entries:
        count = 0
        while items and count < most and matches(items[0]):
            items.pop(0)
            count += 1
        if count < least:
            return False
    return not items


def in_map(entries, items):
    left = dict(items)
    for least, _, key, matches in entries:
        if key in left:
            if not matches(left.pop(key)):
                return False
        elif least:
            return False
    return not left
