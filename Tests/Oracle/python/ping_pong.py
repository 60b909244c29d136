"""Two tasks hand a future back and forth."""

from oracle import rounds, run, say, state, ticks


async def main(loop):
    box = {"ball": loop.create_future()}

    async def player(name, other, turns):
        for turn in range(turns):
            ball = await box["ball"]
            if ball != name:
                await rounds(1)
                continue
            say(name, "hits", turn)
            box["ball"] = loop.create_future()
            loop.call_soon(box["ball"].set_result, other)
        say(name, "stops")

    tasks = [loop.create_task(player("ping", "pong", 6)), loop.create_task(player("pong", "ping", 6))]
    box["ball"].set_result("ping")
    await ticks(16)
    for task in tasks:
        task.cancel()
    await rounds(3)
    say(*(state(task) for task in tasks))


run(main)
