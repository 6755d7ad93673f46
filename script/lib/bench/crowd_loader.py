"""Many map clients at once for a while: each looks at a view of the map, rests, and moves on.

Reads `{"host", "port", "tiles", "address", "clients", "seconds", "rest", "headers"}` from standard input and
writes `{"milliseconds", "statuses", "errors"}`. `address` holds {z}, {x} and {y}; it takes little of the
processor and uses nothing but the standard library.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from typing import Any

VIEW = 12
TIMEOUT = 60.0


class Client:
    """One connection, kept, that asks for the map tiles of a view one after the other."""

    def __init__(self, asked: dict[str, Any], seed: int):
        self.asked, self.random = asked, random.Random(seed)
        self.tail = (
            f" HTTP/1.1\r\nHost: {asked['host']}:{asked['port']}\r\n{asked.get('headers', '')}\r\n".encode()
        )
        self.stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def look(self, until: float, found: dict[str, Any]) -> None:
        """Look at views until the time is over."""
        while time.monotonic() < until:
            for z, x, y in self.view():
                path = self.asked["address"].format(z=z, x=x, y=y)
                began = time.perf_counter()
                try:
                    status = await asyncio.wait_for(self.get(path), TIMEOUT)
                    found["statuses"][status] += 1
                except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                    found["errors"].append(f"{path}: {type(error).__name__} {error}")
                    self.close()
                found["milliseconds"].append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.asked["rest"])
        self.close()

    def view(self) -> list[tuple[int, int, int]]:
        """The map tiles of a view around some place of the map: four across, three down."""
        z, x, y = self.random.choice(self.asked["tiles"])
        return [(z, x + right, y + down) for down in range(-1, 2) for right in range(-2, 2)][:VIEW]

    async def get(self, path: str) -> int:
        """Ask for a path and read the whole answer; a connection that the server closed is made anew."""
        is_kept = self.stream is not None
        try:
            return await self._get(path)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if not is_kept:
                raise
            return await self._get(path)

    async def _get(self, path: str) -> int:
        if self.stream is None:
            self.stream = await asyncio.open_connection(self.asked["host"], self.asked["port"])
        reader, writer = self.stream
        writer.write(b"GET " + path.encode() + self.tail)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        await reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            self.close()
        return int(head[0].split()[1])

    def close(self) -> None:
        if self.stream is not None:
            self.stream[1].close()
            self.stream = None


async def crowd(asked: dict[str, Any]) -> dict[str, Any]:
    """Have all clients look at once."""
    found: dict[str, Any] = {"milliseconds": [], "statuses": Counter(), "errors": []}
    until = time.monotonic() + asked["seconds"]
    await asyncio.gather(*(Client(asked, seed).look(until, found) for seed in range(asked["clients"])))
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(crowd(json.load(sys.stdin)))))
