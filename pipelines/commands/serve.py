"""``marsad serve``: the page in a browser."""

from __future__ import annotations

import ipaddress
import os
import socket

import click

from pipelines.commands._shared.context import configured
from pipelines.commands._shared.options import store_option
from pipelines.commands._shared.output import notify
from pipelines.errors import SettingsError
from pipelines.web.service import LOOPBACK, Options

#: Where the page is unless something else is said.
HOST, PORT = "127.0.0.1", 8016
#: The account that is made where there is none yet, and the variable with its password.
FIRST, FIRST_PASSWORD = "admin", "MARSAD_WEB_ADMIN_PASSWORD"


@click.command()
@store_option
@click.option("--host", metavar="ADDRESS", help=f"Address to listen on (default: {HOST}).")
@click.option("--port", type=click.IntRange(0, 65535), help=f"Port (default: {PORT}; 0: any).")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="Name by which browsers reach the page, such as marsad.example.org; may be repeated.",
)
@click.option(
    "--https",
    is_flag=True,
    help="Browsers reach the page by HTTPS, through a proxy that ends it: cookies go that way "
    "alone.",
)
@click.option("--certificate", metavar="FILE", help="Serve HTTPS itself: certificate (PEM).")
@click.option("--key", metavar="FILE", help="Key of --certificate, where it is a file of its own.")
def command(
    store: str | None,
    host: str | None,
    port: int | None,
    names: tuple[str, ...],
    https: bool,
    certificate: str | None,
    key: str | None,
) -> None:
    """Show the store in a browser: search, trends, likes lost, labels, export, upload.

    By default the page answers this machine alone and needs no account. On any other address it
    starts only when there are accounts (`marsad users add`), and asks for a login. Where there is
    none yet, MARSAD_WEB_ADMIN_PASSWORD (or ..._FILE, a file with it) makes the administrator
    `admin`.

    \b
    Examples:
      marsad serve
      marsad serve --store http://localhost:9200/marsad --port 8080
      marsad users add sara --role administrator
      marsad serve --host 0.0.0.0 --name marsad.example.org --https
    """
    import uvicorn

    from pipelines.web.app import make_app
    from pipelines.web.security.accounts import Accounts, accounts_path

    settings = configured()
    address = host or settings.web_host
    number = settings.web_port if port is None else port
    place = accounts_path(settings.web_accounts)
    accounts = Accounts(place)
    # taken out of the environment, so that no command that the page runs has it
    first = os.environ.pop(FIRST_PASSWORD, "")
    if first and not accounts.any():
        accounts.add(FIRST, "administrator", first)
        notify(f"Added: {FIRST} (administrator), with the password in {FIRST_PASSWORD}.")
    login = accounts.any()
    accounts.close()
    if not login and not is_loopback(address):
        raise SettingsError(
            f"The page is not served on {address} without accounts: everyone who reaches it could "
            "read and delete. Add one with `marsad users add NAME --role administrator`, name a "
            f"file with the first one's password in {FIRST_PASSWORD}_FILE, or leave out --host to "
            "serve this machine alone."
        )
    known = (*names, *settings.web_hosts)
    options = Options(
        store=store or settings.store,
        accounts=place,
        hosts=tuple(dict.fromkeys((*LOOPBACK, *known, *([] if _any(address) else [address])))),
        login=login,
        https=https or bool(certificate),
    )
    if login and not is_loopback(address) and not options.https:
        notify(
            "Warning: passwords and posts travel in clear; use --certificate, or --https behind a "
            "proxy."
        )
    if _any(address) and not known:
        notify("Warning: only localhost is answered; name the page with --name HOST for others.")
    listening = _listen(address, number)
    shown = f"[{address}]" if ":" in address else address
    scheme = "https" if certificate else "http"
    notify(
        f"The page is at {scheme}://{shown}:{listening.getsockname()[1]}/ (store: "
        f"{options.store}). Ctrl+C ends it."
    )
    config = uvicorn.Config(
        make_app(options),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 * 1024,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises :class:`~pipelines.errors.SettingsError`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.create_server((address.strip("[]"), port), family=family)
    except OSError as error:
        raise SettingsError(
            f"The page can't be served on {address}, port {port}: {error.strerror or error}. "
            "Choose another --port or --host."
        ) from error
    # asyncio leaves Nagle's algorithm on for sockets that name no protocol, as this one does; each
    # page then waits 40 ms for an acknowledgement. What is accepted here inherits the option.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def is_loopback(address: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _any(address: str) -> bool:
    return address in {"0.0.0.0", "::"}
