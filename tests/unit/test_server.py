"""What `plinth serve` runs."""

import gc

from app.server import COLLECT_EVERY, _spare_the_collector


def test_garbage_is_collected_while_it_serves() -> None:
    """It starts without, and what is there by then is never looked through."""
    before = gc.get_threshold()
    gc.disable()
    try:
        _spare_the_collector()
        assert (gc.isenabled(), gc.get_threshold()[0]) == (True, COLLECT_EVERY)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        gc.enable()
