"""Tasks begin in the order in which they were created, one round later, among the callbacks."""

from oracle import run, say


async def main(loop):
    async def work(name):
        say("task", name)

    loop.call_soon(say, "soon 1")
    tasks = [loop.create_task(work("a"))]
    loop.call_soon(say, "soon 2")
    tasks.append(loop.create_task(work("b")))
    loop.call_soon(say, "soon 3")
    say("created")
    for task in tasks:
        await task
    say("over")


run(main)
