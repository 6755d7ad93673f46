"""`manage.py progress`: follow an order in plain lines."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.campaigns.models import CampaignTile
from webapp.campaigns.standing import Standing, standings
from webapp.campaigns.states import ACTIVE, OrderStatus
from webapp.orders.models import Order

DOING = {
    "scene_list": "choosing scenes",
    "agree": "choosing scenes together with its neighbours",
    "fetch": "fetching scenes",
    "mask": "masking clouds",
    "compose": "fusing the composite",
    "fill": "filling holes from older dates",
    "classify": "classifying the landcover",
}


class Command(BaseCommand):
    """Print what an order's tiles are at; with --watch until it is finished."""

    help = "Prints the progress of an order; status 0 when mosaic and landcover of all tiles are there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which order, and whether to stay."""
        parser.add_argument("--order", type=int, required=True)
        parser.add_argument("--watch", action="store_true", help="until the order is finished")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each change."""
        seen: dict[str, str] = {}
        while True:
            order = Order.objects.filter(pk=options["order"]).first()
            if order is None:
                raise CommandError(f"There is no order {options['order']}.", returncode=2)
            self.tell(order, seen)
            if not (options["watch"] and order.is_open):
                break
            time.sleep(options["every"])
        self.end(order)

    def tell(self, order: Order, seen: dict[str, str]) -> None:
        """Print the tiles whose line has changed."""
        tiles = list(order.tiles.order_by("tile_id"))
        found = standings(tiles)
        finished = sum(standing.is_finished for standing in found.values())
        for tile in tiles:
            line = describe(tile, found[tile.pk])
            if seen.get(tile.tile_id) != line:
                seen[tile.tile_id] = line
                self.stdout.write(f"[{finished}/{len(tiles)}] {tile.tile_id}: {line}")
        self.stdout.flush()

    def end(self, order: Order) -> None:
        """Say how the order stands; anything but a mosaic and a landcover for all tiles is a failure."""
        if order.status == OrderStatus.READY and not order.status_text:
            self.stdout.write(f"order {order.pk} is ready")
        elif order.is_open:
            raise CommandError(f"Order {order.pk} is {order.status}: some of its tiles are not finished.")
        else:
            raise CommandError(f"Order {order.pk} is {order.status}. {order.status_text}".strip())


def describe(tile: CampaignTile, standing: Standing) -> str:
    """What a tile is at, in words."""
    build = tile.builds.filter(status__in=ACTIVE).first()
    if build:
        problem = f" (waits: {build.error})" if build.error else ""
        return f"build {build.number}, {DOING[build.stage]}{problem}"
    if standing.phase == "blending":
        return "composite done, blending with its neighbours"
    if standing.phase == "done":
        return "mosaic and landcover done"
    return f"{standing.phase} {standing.text}".strip()
