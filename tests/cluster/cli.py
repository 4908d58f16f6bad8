"""The command line of ``tests/cluster/cluster``."""

import argparse
import shlex
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from tests.cluster import app_image, tools
from tests.cluster.console import ClusterError, say
from tests.cluster.lock import one_at_a_time
from tests.cluster.providers import Provider, choose

EPILOG = """\
CLUSTER says which cluster: local (a real one-node Kubernetes on this machine, without Docker; needs root on Linux),
kind (where Docker runs) or current (the one kubectl points at; never chosen unless asked for). Unset: kind where a
Docker engine answers (for root only with kind in PATH), else local. More: tests/cluster/README.md
"""
# These only look, so they need not wait for a command that is at work.
LOOKING = ("env", "status", "logs")


def _tools() -> None:
    with one_at_a_time():
        tools.ensure()


def _helms() -> None:
    with one_at_a_time():
        tools.ensure_helms()


# kubectl and helm are of use to who has no cluster, and may not make one.
WITHOUT_CLUSTER: dict[str, Callable[[], str | None]] = {
    "tools": _tools,
    "helms": _helms,
    "bin": lambda: f"{tools.folder()}\n",
}


def main() -> int:
    arguments = _parser().parse_args()
    try:
        if arguments.command in WITHOUT_CLUSTER:
            sys.stdout.write(WITHOUT_CLUSTER[arguments.command]() or "")
            return 0
        provider = choose()
        with nullcontext() if arguments.command in LOOKING else one_at_a_time():
            sys.stdout.write(arguments.act(provider, arguments) or "")
    except ClusterError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cluster",
        description="A Kubernetes cluster to develop and test on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, explanation: str, act: Callable[[Provider, argparse.Namespace], str | None]
    ) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=explanation)
        subparser.set_defaults(act=act)
        return subparser

    command("up", "make it or start it, and wait until it can run pods", lambda provider, _: provider.up())
    commands.add_parser("tools", help="see to kubectl and helm: those in PATH will do, others are compiled")
    commands.add_parser("helms", help="compile Helm 3 and 4, by which the chart is tested")
    commands.add_parser("bin", help="print the folder of what is compiled")
    command("env", 'print exports: eval "$(tests/cluster/cluster env)"', _exports)
    command(
        "images", "see to python:3.13-slim, postgres:17 and postgres:18", lambda provider, _: provider.base_images()
    )
    image = command("image", "build a folder's Dockerfile and load it; further options go to the build", _build)
    image.add_argument("name")
    image.add_argument("folder", type=Path)
    image.add_argument("options", nargs=argparse.REMAINDER, help="such as --build-arg=NAME=VALUE")
    command("app", "build and load the app's image unless this very tree's is there; print its name", _app)
    load = command("load", "copy built images into the nodes", lambda provider, given: provider.load(given.name))
    load.add_argument("name", nargs="+")
    command("prune", "remove all but the app's newest images, and the layers of earlier builds", _prune)
    command("status", "say which components are up", _status)
    logs = command("logs", "print a component's log", lambda provider, given: provider.logs(given.component))
    logs.add_argument("component")
    command("down", "remove it; images already made are kept", lambda provider, _: provider.down())
    return parser


def _exports(provider: Provider, _: argparse.Namespace) -> str:
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in provider.environment().items()]
    if provider.tools:
        # The shell's own PATH, not this process's: what runs Python here (pyenv, a virtual environment) changes it.
        exports.append(f'export PATH={shlex.quote(str(provider.tools))}:"$PATH"\n')
    return "".join(exports)


def _build(provider: Provider, given: argparse.Namespace) -> None:
    provider.build(given.name, given.folder, given.options)


def _app(provider: Provider, _: argparse.Namespace) -> str:
    return app_image.ensure(provider) + "\n"


def _prune(provider: Provider, _: argparse.Namespace) -> None:
    provider.prune(app_image.REPOSITORY, app_image.KEPT)
    provider.forget_layers()


def _status(provider: Provider, _: argparse.Namespace) -> str:
    return "".join(f"{name:24} {state}\n" for name, state in provider.status().items())
