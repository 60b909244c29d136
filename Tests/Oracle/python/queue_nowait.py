"""What does not wait fails instead."""

import asyncio

from oracle import run, say, shown


async def main(loop):
    def attempt(what, action):
        try:
            say(what, action())
        except Exception as error:
            say(what, shown(error))

    def put(queue, item):
        queue.put_nowait(item)
        return "done"

    queue = asyncio.Queue(1)
    attempt("get", queue.get_nowait)
    attempt("put", lambda: put(queue, 1))
    attempt("put", lambda: put(queue, 2))
    say(queue.full(), queue.empty(), queue.qsize())
    attempt("get", queue.get_nowait)
    queue.put_nowait(3)
    queue.shutdown()
    attempt("put", lambda: put(queue, 4))
    attempt("get", queue.get_nowait)
    attempt("get", queue.get_nowait)


run(main)
