# Distributed under the terms and conditions of the BSD 3-Clause License; see
# the file LICENSE.
"""The peer of troupe in Python, aio-fluid: a probe, as bench/probe.hpp says.

fluid.py stop SIZE    from the request to stop until stopped, in a sleep of 1 s
"""

import asyncio
import statistics
import sys
import time

from fluid.utils.worker import Worker


class Sleeper(Worker):
    async def run(self) -> None:
        while self.is_running():
            await asyncio.sleep(1)


async def stop(size: int) -> None:
    times = []
    for _ in range(size):
        worker = Sleeper()
        await worker.startup()
        await asyncio.sleep(0.01)
        start = time.perf_counter_ns()
        await worker.shutdown()
        times.append(time.perf_counter_ns() - start)
    print("stop", statistics.median(times))


if __name__ == "__main__":
    asyncio.run(stop(int(sys.argv[2])))
