"""`paceline`: the entry point, and the list of everything that it can do.

The help must answer at once, and a pacer must not load a web server: what a command needs, the command loads.
"""

import sys
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.caps.commands import app as cap_app
from services.cli.checking.commands import check
from services.cli.client.commands import app as campaign_app
from services.cli.deliveries.commands import app as delivery_app
from services.cli.errors import tell
from services.cli.numbers.commands import app as number_app
from services.cli.policies.commands import app as policy_app
from services.cli.policies.commands import caller_id_app
from services.cli.process import run_service
from services.cli.running import run
from services.cli.screen import screen_on
from services.cli.tokens.commands import app as token_app
from services.cli.trunks.commands import app as trunk_app
from services.cli.webhooks.commands import app as webhook_app

EVERYTHING = "Everything on this machine"
CAMPAIGNS = "Campaigns on a running platform (PACELINE_API, PACELINE_TOKEN)"
PROCESSES = "One process each, for production (settings from the environment)"
ADMINISTRATION = "Administration"

HIGHEST_PORT = 65535

app = typer.Typer(
    name="paceline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # an error is told by main(), in one sentence
)
key_app = typer.Typer(no_args_is_help=True)


class Telephony(StrEnum):
    """Who carries the calls; the settings have the same choice."""

    SIMULATOR = "simulator"
    SIP = "sip"


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            number = version("paceline")
        except PackageNotFoundError:
            number = "(not installed)"
        screen_on().say(f"paceline {number}")
        raise typer.Exit


@app.callback()
def paceline(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Paceline dials phone lists: campaigns in over HTTP, calls at the pace you set, results out by webhook.

    To try it: `paceline up --demo` runs the platform and a demonstration campaign on this machine; nobody is rung.

    To work with it: `paceline up` in one terminal, `paceline campaign create --help` in another.

    To run it for good: your own Postgres and Redis, then `paceline migrate`, `paceline token create`, and one or
    more of each of the four processes.
    """


@app.command(rich_help_panel=EVERYTHING)
def up(
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".paceline"),
    port: Annotated[
        int,
        typer.Option(
            min=0, max=HIGHEST_PORT, envvar="PACELINE_API_PORT", help="The API's port; 0 is any free one."
        ),
    ] = 8700,
    dashboard_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=HIGHEST_PORT,
            envvar="PACELINE_DASHBOARD_PORT",
            show_default="the one after the API's",
            help="The dashboard's port.",
        ),
    ] = None,
    telephony: Annotated[
        Telephony, typer.Option(envvar="PACELINE_TELEPHONY", help="Who carries the calls.")
    ] = Telephony.SIMULATOR,
    ready_file: Annotated[
        Path | None, typer.Option(help="A JSON file with addresses and token, written when all answer.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Run a demonstration campaign.")] = False,
    dialers: Annotated[int, typer.Option(min=1, max=32, help="How many dialer processes.")] = 1,
    own_servers: Annotated[
        bool, typer.Option("--own-servers", help="Use DATABASE_URL and REDIS_URL, not embedded servers.")
    ] = False,
) -> None:
    """Run the whole platform on this machine, its Postgres and Redis included, until Ctrl-C.

    The first start makes the data folder, a key and a token; later starts find them there. A process that dies is
    started again. Ctrl-C lets calls end first; a second one hangs up.

    **Example:** `paceline up --data-dir ~/paceline --port 8700`
    """
    from services.cli.supervision.options import UpOptions  # noqa: PLC0415 - see the top of the module
    from services.cli.up import start  # noqa: PLC0415 - likewise

    after_the_api = port + 1 if 0 < port < HIGHEST_PORT else 0
    options = UpOptions(
        data_dir=data_dir,
        api_port=port,
        dashboard_port=after_the_api if dashboard_port is None else dashboard_port,
        telephony=telephony.value,
        ready_file=ready_file,
        demonstration=demo,
        dialers=dialers,
        own_servers=own_servers,
    )
    raise typer.Exit(start(options))


app.add_typer(
    campaign_app, name="campaign", rich_help_panel=CAMPAIGNS, help="Make, start, stop and follow campaigns."
)
app.add_typer(
    delivery_app, name="delivery", rich_help_panel=CAMPAIGNS, help="Which results arrived, and once more."
)
app.add_typer(number_app, name="number", rich_help_panel=CAMPAIGNS, help="What was done with a phone number.")


@app.command(rich_help_panel=CAMPAIGNS)
def listen(
    port: Annotated[int, typer.Option(min=0, max=HIGHEST_PORT, help="The port; 0 is any free one.")] = 8800,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Print the results that arrive here: a receiver to try campaigns with.

    With PACELINE_WEBHOOK_SECRET set, the signature of each is checked.

    **Example:** `paceline listen --port 8800`, and a campaign with `--result-url http://127.0.0.1:8800/results`
    """
    from services.cli.receiving.listen import listen as take_results  # noqa: PLC0415 - see the top of the module

    run(take_results(screen_on(), host, port))


@app.command(rich_help_panel=CAMPAIGNS)
def vxml(
    url: Annotated[str, typer.Argument(help="The application: a URL, or a file on this machine.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, for programs.")] = False,
    post: Annotated[bool, typer.Option("--post", help="Ask for the first document by POST.")] = False,
    variable: Annotated[
        list[str] | None,
        typer.Option("--variable", "-v", help="NAME=VALUE, sent with the first request; may be repeated."),
    ] = None,
) -> None:
    """Try a VoiceXML application here, with no phone: prompts are printed, keys and words are typed.

    **Example:** `paceline vxml http://127.0.0.1:8000/start.vxml -v message_reference=INV-7`
    """
    from services.cli.voicexml.trying import Trial, try_application  # noqa: PLC0415 - see the top of the module

    trial = Trial(url=url, post=post, variables=tuple(variable or ()), json=as_json)
    if not run(try_application(screen_on(), trial)):
        raise typer.Exit(1)


@app.command(rich_help_panel=PROCESSES)
def api() -> None:
    """Serve the public API: campaigns and phone lists into Postgres."""
    run_service("api")


@app.command(rich_help_panel=PROCESSES)
def pacer() -> None:
    """Decide which number is called when, and hand the calls to the dialers."""
    run_service("pacer")


@app.command(rich_help_panel=PROCESSES)
def dialer() -> None:
    """Place the calls, run their VoiceXML, and post the results."""
    run_service("dialer")


@app.command(rich_help_panel=PROCESSES)
def dashboard() -> None:
    """Serve the browser page that shows campaigns while they are dialed."""
    run_service("dashboard")


@app.command(rich_help_panel=ADMINISTRATION)
def migrate() -> None:
    """Bring the database at DATABASE_URL to this version; safe to repeat, and at the same time from anywhere."""
    from services.cli.administration import migrate as bring_up_to_date  # noqa: PLC0415 - as above

    run(bring_up_to_date(screen_on()))


@key_app.command("create")
def key_create(file: Annotated[Path, typer.Argument(help="A file that does not exist yet.")]) -> None:
    """Make the key that seals webhook keys and trunk passwords, in a file that only you can read.

    All processes need the same one: name it in PACELINE_SECRET_KEY_FILE, and keep a copy in a safe place.

    **Example:** `paceline key create /etc/paceline/secret.key`
    """
    from services.cli.administration import create_key  # noqa: PLC0415 - as above

    create_key(screen_on(), file)


@app.command(rich_help_panel=ADMINISTRATION)
def hold(
    reason: Annotated[str, typer.Option(help="Why nobody is called; shown on every campaign that it holds.")],
    tenant: Annotated[str | None, typer.Option(help="Whose campaigns are held.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Hold the whole platform.")] = False,
    hang_up: Annotated[bool, typer.Option("--hang-up", help="End the calls under way, too.")] = False,
) -> None:
    """Stop all dialing within a second, of one tenant or of everybody, until it is released.

    It is a row in Postgres (DATABASE_URL) that every call is checked against: it works without Redis, without the
    API and without any other process.

    **Example:** `paceline hold --all --reason "carrier maintenance"`
    """
    from services.cli.administration import place_hold  # noqa: PLC0415 - as above

    run(place_hold(screen_on(), tenant=_one_of(tenant, everybody=everybody), reason=reason, hang_up=hang_up))


@app.command(rich_help_panel=ADMINISTRATION)
def release(
    tenant: Annotated[str | None, typer.Option(help="Whose holds are released.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Release the platform's own holds.")] = False,
) -> None:
    """Let a tenant, or the platform, dial again.

    **Example:** `paceline release --all`
    """
    from services.cli.administration import release_holds  # noqa: PLC0415 - as above

    run(release_holds(screen_on(), tenant=_one_of(tenant, everybody=everybody)))


app.command(rich_help_panel=ADMINISTRATION)(check)


def _one_of(tenant: str | None, *, everybody: bool) -> str | None:
    """Return the tenant's name, or None for everybody; raises a usage error for both or neither."""
    if (tenant is not None) == everybody:
        raise typer.BadParameter(
            "name a tenant with --tenant NAME, or take --all, not both", param_hint="--tenant"
        )
    return tenant


app.add_typer(
    cap_app, name="cap", rich_help_panel=ADMINISTRATION, help="How many calls a tenant may have at once."
)
app.add_typer(
    policy_app, name="policy", rich_help_panel=ADMINISTRATION, help="What a tenant may call, and as whom."
)
app.add_typer(
    caller_id_app,
    name="caller-id",
    rich_help_panel=ADMINISTRATION,
    help="The caller ids that a tenant has proved to be its own.",
)
app.add_typer(
    trunk_app, name="trunk", rich_help_panel=ADMINISTRATION, help="The ways out, for TELEPHONY=sip."
)
app.add_typer(key_app, name="key", rich_help_panel=ADMINISTRATION, help="The key that seals secrets.")
app.add_typer(token_app, name="token", rich_help_panel=ADMINISTRATION, help="Tokens of the API's users.")
app.add_typer(
    webhook_app, name="webhook", rich_help_panel=ADMINISTRATION, help="Try a receiver; the secret of results."
)


def main() -> None:
    """Run the command line: every failure is one sentence on standard error, status 1; wrong usage is status 2."""
    try:
        app(prog_name="paceline")
    except Exception as error:  # noqa: BLE001 - the last one to know: whatever it is, a person gets a sentence
        tell(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
