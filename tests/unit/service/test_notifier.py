"""Who waits for work is woken at the end, and does not begin to wait after it."""

import asyncio

from caviar.service.store.notifier import Notifier


def test_nobody_waits_once_it_is_closed():
    async def scenario():
        notifier = Notifier()
        notifier.start()
        async with asyncio.timeout(10.0):
            waiting = asyncio.create_task(notifier.work(60.0))
            await asyncio.sleep(0)
            notifier.close()
            await waiting
            await notifier.work(60.0)

    asyncio.run(scenario())
