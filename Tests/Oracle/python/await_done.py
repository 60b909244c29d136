"""To await what is done does not give way."""

from oracle import rounds, run, say, worker


async def main(loop):
    future = loop.create_future()
    future.set_result(1)
    loop.call_soon(say, "soon")
    say("future", await future)
    task = loop.create_task(worker("task", 0, 2))
    await rounds(1)
    loop.call_soon(say, "soon")
    say("task", await task)
    await rounds(1)


run(main)
