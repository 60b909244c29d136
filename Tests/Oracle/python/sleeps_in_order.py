"""Tasks that sleep until different moments go on in the order of the moments."""

from oracle import run, say


async def main(loop):
    base = loop.time() + 0.005
    over = loop.create_future()
    woken = {name: loop.create_future() for name in "abc"}

    async def sleeper(name):
        await woken[name]
        say(name)

    tasks = [loop.create_task(sleeper(name)) for name in "abc"]
    loop.call_at(base + 0.003, woken["a"].set_result, None)
    loop.call_at(base + 0.001, woken["b"].set_result, None)
    loop.call_at(base + 0.002, woken["c"].set_result, None)
    for task in tasks:
        await task


run(main)
