"""Plays rows of the matrix with the Python SDK's client, of the era that its environment is for. The plan comes as JSON
on stdin; each cell goes out as a line of JSON: its row, its feature, and what was `seen` or why it `failed`."""

import asyncio
import json
import logging
import sys
import warnings
from contextlib import AsyncExitStack
from importlib.metadata import version
from types import SimpleNamespace

from features import FEATURES

if version("mcp").startswith("1."):
    from legacy_peer import LegacyPeer as Peer
else:
    from modern_peer import ModernPeer as Peer


def tell(row, feature, **cell):
    print(json.dumps({"tag": row["tag"], "feature": feature, **cell}), flush=True)


def reason(error):
    """What is behind a group of exceptions, which is how a lost connection looks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def play_some(row, left, seconds):
    """Plays features until one fails: what it leaves half done must not spoil the next, which gets new sessions."""
    is_connected = False
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(2 * seconds):
                labels = (f"{row['tag']}-one", f"{row['tag']}-other")
                one, other = [await stack.enter_async_context(Peer(label).connected(row["target"])) for label in labels]
            is_connected = True
            given = SimpleNamespace(one=one, other=other, tag=row["tag"], eras=row["eras"], cannot=row["cannot"])
            while left:
                async with asyncio.timeout(seconds):
                    seen = await FEATURES[left[0]](given)
                tell(row, left.pop(0), seen=seen)
    except Exception as error:
        # With nothing left it went wrong while closing, which no feature is about.
        if left:
            tell(row, left.pop(0), failed=reason(error))
        # Who cannot even connect need not try for every feature.
        while left and not is_connected:
            tell(row, left.pop(0), failed="no connection")


async def main(plan):
    for row in plan["rows"]:
        left = list(row["features"])
        while left:
            await play_some(row, left, plan["cellMs"] / 1_000)


logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
asyncio.run(main(json.load(sys.stdin)))
