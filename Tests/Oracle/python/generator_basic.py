"""Values are made when they are asked for."""

from oracle import rounds, run, say


async def main(loop):
    async def numbers():
        try:
            for number in range(3):
                say("makes", number)
                yield number
                await rounds(1)
        finally:
            say("generator ends")

    async for number in numbers():
        say("got", number)
    say("over")


run(main)
