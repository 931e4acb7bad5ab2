"""The caller in Python: a memory fleet of as many agents as it is told, whose status it asks as often as each line
says. It answers each line with the nanoseconds that all of them took."""

import asyncio
import sys
import time

from mosaic_fleet import Fleet, MemoryTransport


async def main() -> None:
    agents = [f"agent-{n}" for n in range(int(sys.argv[1]))]
    async with Fleet.of(MemoryTransport(agents)) as fleet:
        while line := sys.stdin.readline():
            operation, times = line.split()
            began = time.perf_counter_ns()
            for _ in range(int(times)):
                if operation == "status":
                    await fleet.status()
                else:
                    await fleet.names()
            print(time.perf_counter_ns() - began, flush=True)


asyncio.run(main())
