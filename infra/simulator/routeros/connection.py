"""One client's connection to a simulated router: login, then commands side by side, told apart by their tags."""

import asyncio
from binascii import hexlify
from collections.abc import Callable
from hashlib import blake2b, md5
from hmac import compare_digest
from itertools import count

from infra.simulator.routeros.commands import (
    DONE,
    INTERRUPTED,
    Command,
    Reply,
    answer,
    changes,
    items,
    parse,
    row_reply,
    trap,
)
from infra.simulator.routeros.faults import Fault, Trouble
from infra.simulator.routeros.router import Router
from infra.simulator.routeros.wire import BadWire, encode, encode_length, read_sentence

LISTEN_SECONDS = 0.2
HUGE_BYTES = 200_000_000
MOST_COMMANDS_AT_ONCE = 64

_challenges = count(1)


class Connection:
    """Serves one client until it goes, or is thrown out."""

    def __init__(
        self,
        router: Router,
        trouble: Trouble,
        now_ms: Callable[[], int],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._router, self._trouble, self._now_ms = router, trouble, now_ms
        self._reader, self._writer = reader, writer
        self._logged_in = False
        self._challenge = b""
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Answer until either side ends it."""
        try:
            while sentence := await read_sentence(self._reader):
                command = parse(sentence)
                fault = self._trouble.at(command.path)
                if self._trouble.latency_seconds:
                    await asyncio.sleep(self._trouble.latency_seconds)
                if fault is not Fault.NONE:
                    await self._misbehave(fault, command)
                elif not await self._handle(command):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, BadWire):
            pass  # the client has gone, or is none; a router says nothing about either
        finally:
            for task in self._running.values():
                task.cancel()
            self._writer.close()

    async def _handle(self, command: Command) -> bool:
        """Answer; False when the connection is over."""
        if command.path == "/login":
            await self._log_in(command)
        elif not self._logged_in:
            await self._send(command, ["!fatal", "not logged in"])
            return False
        elif command.path == "/quit":
            await self._send(command, ["!fatal", "session terminated on request"])
            return False
        elif command.path == "/cancel":
            await self._cancel(command)
        elif command.verb == "listen" or "follow" in command.arguments:
            await self._start_listening(command)
        else:
            await self._send(command, *answer(self._router, command, self._second()))
        return True

    async def _log_in(self, command: Command) -> None:
        name, given = command.arguments.get("name"), command.arguments
        if "response" in given:
            digest = md5(b"\x00" + self._router.password.encode() + self._challenge, usedforsecurity=False).digest()
            right, self._challenge = bool(self._challenge) and given["response"] == f"00{digest.hex()}", b""
        elif self._router.plan.challenge_login:
            # Versions before 6.43 don't look at a password: whatever comes, they ask for the response.
            seed = f"{self._router.plan.seed}/{self._router.plan.name}/{next(_challenges)}"
            self._challenge = blake2b(seed.encode(), digest_size=16).digest()
            await self._send(command, [DONE, f"=ret={hexlify(self._challenge).decode()}"])
            return
        else:
            right = compare_digest(given.get("password", "").encode(), self._router.password.encode())
        self._logged_in = right and name == self._router.plan.username
        if self._logged_in:
            await self._send(command, [DONE])
        else:
            old = self._router.plan.challenge_login
            await self._send(command, trap("cannot log in" if old else "invalid user name or password (6)"), [DONE])

    async def _start_listening(self, command: Command) -> None:
        tag = command.tag or ""
        found = items(self._router, command, self._second())
        if isinstance(found, str):
            await self._send(command, trap(found), [DONE])
        elif len(self._running) >= MOST_COMMANDS_AT_ONCE or tag in self._running:
            await self._send(command, trap("too many commands, or this tag is in use"), [DONE])
        else:
            if command.verb != "listen":
                await self._send(command, *(row_reply(row) for row in found.values()))
            self._running[tag] = asyncio.create_task(self._listen(command, found))

    async def _listen(self, command: Command, before: dict[str, dict[str, str]]) -> None:
        while True:
            await asyncio.sleep(LISTEN_SECONDS)
            after = items(self._router, command, self._second())
            if isinstance(after, str):  # pragma: no cover  # it was right when it began
                return
            await self._send(command, *(row_reply(row) for row in changes(before, after)))
            before = after

    async def _cancel(self, command: Command) -> None:
        wanted = command.arguments.get("tag")
        for tag in [wanted] if wanted is not None else list(self._running):
            task = self._running.pop(tag, None)
            if task is None:
                await self._send(command, trap("no such tag"), [DONE])
                return
            task.cancel()
            interrupted = command._replace(tag=tag or None)
            await self._send(interrupted, trap("interrupted", INTERRUPTED), [DONE])
        await self._send(command, [DONE])

    async def _misbehave(self, fault: Fault, command: Command) -> None:
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        elif fault is Fault.TRAP:
            await self._send(command, trap("failure: out of order"), [DONE])
        elif fault is Fault.FLOOD:
            while True:
                await self._send(command, *[["!re", "=name=again and again"]] * 200)
                await asyncio.sleep(0)  # whoever reads it may live in the same process
        elif fault is Fault.FATAL:
            await self._send(command, ["!fatal", "too many sessions"])
            raise ConnectionAbortedError
        else:
            self._writer.write(
                {
                    Fault.GARBAGE: bytes(range(255, 127, -1)),
                    Fault.HUGE: encode_length(HUGE_BYTES) + b"x" * 4096,
                    Fault.DROP: encode(["!re", "=name=ether1-uplink", "=running=true"])[:-9],
                }[fault]
            )
            await self._writer.drain()
            if fault is Fault.DROP:
                raise ConnectionAbortedError

    async def _send(self, command: Command, *replies: Reply) -> None:
        """Write `replies` at once, so that those to commands side by side don't mix."""
        tag = [] if command.tag is None else [f".tag={command.tag}"]
        self._writer.write(b"".join(encode([*reply, *tag]) for reply in replies))
        await self._writer.drain()

    def _second(self) -> int:
        return self._now_ms() // 1000 * 1000
