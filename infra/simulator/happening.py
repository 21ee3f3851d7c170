"""What each event does to the world."""

from collections.abc import Collection

from infra.simulator.application.running import Application
from infra.simulator.routeros.subscribers import chance
from infra.simulator.scenarios import events
from infra.simulator.scenarios.events import Event
from infra.simulator.whatsapp.gateway import Gateway
from infra.simulator.world import World


async def happen(world: World, event: Event) -> None:
    """`event` happens now. KeyError if what it is about is not there; what befalls an application changes nothing in a
    world without one."""
    if await _to_routers(world, event):
        return
    if await _to_subscribers(world, event) or _to_gateway(world.gateway.gateway, event):
        return
    if world.application is not None:
        _to_application(world.application, event)


async def _to_routers(world: World, event: Event) -> bool:
    """Whether it was about routers and their links."""
    fleet, now_ms = world.fleet, world.now_ms()
    match event:
        case events.RouterUnreachable(router):
            await fleet.switch_off(router)
        case events.RouterReachable(router):
            await fleet.reconnect(router)
        case events.PowerLost(site):
            for router in world.routers_at(site):
                await fleet.switch_off(router)
        case events.PowerBack(site):
            for router in world.routers_at(site):
                await fleet.switch_on(router)
        case events.LinkLost(router, interface):
            fleet.routers[router].router.interface(interface).unplug(now_ms)
        case events.LinkBack(router, interface):
            fleet.routers[router].router.interface(interface).plug(now_ms)
        case _:
            return False
    return True


async def _to_subscribers(world: World, event: Event) -> bool:
    """Whether it was about subscribers."""
    match event:
        case events.SessionsEnd(router, share, seconds):
            _end_sessions(world, router, share, seconds)
        case events.CutOff(router, customers):
            await _cut_off(world, router, customers)
        case events.LetIn(router):
            await _set_status(world, world.fleet.routers[router].router.let_in(), "active")
        case _:
            return False
    return True


def _to_gateway(gateway: Gateway, event: Event) -> bool:
    """Whether it was about WhatsApp."""
    match event:
        case events.WhatsappLoggedOut():
            gateway.log_out()
        case events.WhatsappLoggedIn():
            gateway.log_in()
        case events.QueueStuck():
            gateway.stick()
        case events.QueueMoving():
            gateway.release()
        case _:
            return False
    return True


def _to_application(application: Application, event: Event) -> None:
    match event:
        case events.QueriesSlow(seconds):
            application.books.slow_seconds = seconds
        case events.DiskFilling(percent):
            application.machine.fill(percent)
        case events.DiskCleared():
            application.machine.clear()
        case events.PaymentsFailing():
            application.payments.working = False
        case events.PaymentsWorking():
            application.payments.working = True


def _end_sessions(world: World, router: str, share: float, seconds: int) -> None:
    now_ms, concerned = world.now_ms(), world.fleet.routers[router].router
    names = {one.name for one in concerned.subscribers if chance(one.seed, one.name, "disconnect", now_ms) < share}
    # They dial again, once they can.
    concerned.throw_out(names, now_ms + seconds * 1000)


async def _cut_off(world: World, router: str, customers: int) -> None:
    concerned = world.fleet.routers[router].router
    dialled_in = [one for one in concerned.subscribers if one.service == "pppoe"]
    dialled_in.sort(key=lambda one: chance(one.seed, one.name, "unpaid"))
    names = [one.name for one in dialled_in[:customers]]
    await _set_status(world, names, "isolated")
    concerned.cut(set(names))


async def _set_status(world: World, names: Collection[str], status: str) -> None:
    if world.application is not None:
        await world.application.books.set_status(names, status)
