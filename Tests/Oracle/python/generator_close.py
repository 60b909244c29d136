"""A generator that is left and closed cleans up before the close returns."""

from oracle import rounds, run, say


async def main(loop):
    async def numbers():
        try:
            for number in range(10):
                yield number
        finally:
            say("cleans up")
            await rounds(2)
            say("is clean")

    generator = numbers()
    async for number in generator:
        say("got", number)
        if number == 2:
            break
    say("left")
    await generator.aclose()
    say("closed")
    say([number async for number in generator])


run(main)
