"""Starts `paceline up` with what it was asked for."""

import os
from functools import partial

from services.cli.demonstration.callees import callees
from services.cli.demonstration.run import demonstrate, explanation, explanation_of_callees
from services.cli.running import run
from services.cli.screen import screen_on
from services.cli.supervision.options import UpOptions, demonstration_settings
from services.cli.supervision.up import run_up
from shared.settings import Settings


def start(options: UpOptions) -> int:
    """Run the platform and what was asked of it; return the exit status."""
    screen = screen_on()
    if not options.demonstration:
        return run(run_up(options, screen))
    wanted = demonstration_settings(Settings(), os.environ)
    if options.telephony != "sip":
        screen.say(explanation(wanted))
        return run(run_up(options, screen, partial(demonstrate, screen)))
    with callees(options.folder.path / "demonstration-callees") as settings:
        os.environ.update(settings)  # the processes of the platform inherit them
        screen.say(explanation_of_callees({**wanted, **settings}))
        return run(run_up(options, screen, partial(demonstrate, screen)))
