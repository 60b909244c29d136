"""A result goes through a chain of tasks, one round for each."""

from oracle import run, say, ticks


async def main(loop):
    async def link(number):
        if number == 0:
            say("end of the chain")
            return 7
        value = await loop.create_task(link(number - 1))
        say("link", number, value)
        return value + 1

    ticker = loop.create_task(ticks(10))
    say("value", await loop.create_task(link(3)))
    await ticker


run(main)
