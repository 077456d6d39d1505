"""Reads the files that users copy from: the examples in the README, and the Dockerfile."""

import json
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example(language, containing):
    """The only example in the README that is in this language and has this text in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if containing in block]
    assert len(found) == 1, f"{len(found)} examples in {language} with {containing!r}"
    return found[0]


def replaced(text, changes):
    """The text with some of its words replaced (`{old: new}`), each of which must be there."""
    for old, new in changes.items():
        assert old in text, f"the example does not say {old!r} any more"
        text = text.replace(old, new)
    return text


class Stage:
    """One stage of the Dockerfile: `instructions` are pairs of a name and what follows it."""

    def __init__(self, text):
        self.instructions = [(name, rest) for name, rest in (line.split(None, 1) for line in text)]
        [(_, self.base)] = [(name, rest.split()[0]) for name, rest in self.instructions if name == "FROM"]

    def all(self, name):
        return [rest for found, rest in self.instructions if found == name]

    def one(self, name):
        [rest] = self.all(name)
        return rest

    def words(self, name):
        """The words of an ENTRYPOINT, a CMD or a HEALTHCHECK, which have to be in the JSON form: there is no shell."""
        rest = self.one(name)
        return json.loads(rest[rest.index("[") :])

    def copies(self):
        """What COPY brings: lists of the options, the sources and the destination."""
        return [shlex.split(rest) for rest in self.all("COPY")]


def stages():
    """The stages of the Dockerfile by name."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    instructions = "\n".join(lines).replace("\\\n", " ").splitlines()
    starts = [number for number, line in enumerate(instructions) if line.startswith("FROM ")]
    parts = [instructions[start:end] for start, end in zip(starts, [*starts[1:], None])]
    return {part[0].split(" AS ")[1]: Stage(part) for part in parts}
